/** A family that controllers count, as data: of a histogram there are bounds. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly bounds?: readonly number[];
}

/** Something that happened and is counted; a histogram's value is in the unit at the end of the family's name. */
export interface Measure {
  readonly family: Family;
  readonly labels: readonly string[];
  readonly value: number;
}
