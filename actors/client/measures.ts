/** A family that controllers count, as data: of a histogram there are bounds, and of a gauge the value is what it stands at. */
export interface Family {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  readonly bounds?: readonly number[];
  readonly isGauge?: true;
}

/** Something that happened and is counted; a histogram's value is in the unit at the end of the family's name. */
export interface Measure {
  readonly family: Family;
  readonly labels: readonly string[];
  readonly value: number;
  /** What a gauge is about is not there any more: its line goes. */
  readonly isGone?: true;
}
