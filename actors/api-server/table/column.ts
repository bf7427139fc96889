import type { ObjectMeta } from "../../../protocol/kinds/generated";
import { humanAge } from "./age";

export type Cell = string | number | boolean | null;

/** What every API object has, as far as printing is concerned. */
export interface Printable {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata?: ObjectMeta;
}

/**
 * One column of a Table and how to fill it. The cell stands beside the header, so that the two cannot drift apart.
 * Priority 0 is always shown; 1 only with `kubectl get -o wide`.
 */
export interface Column<T> {
  readonly name: string;
  readonly type: "string" | "integer" | "number" | "boolean" | "date";
  readonly format: string;
  readonly description: string;
  readonly priority: number;
  readonly cell: (object: T, nowMs: number) => Cell;
}

/** Why a row is greyed out or left out by clients (metav1.TableRowCondition); Completed is the only type there is. */
export interface RowCondition {
  readonly type: "Completed";
  readonly status: "True";
  readonly reason: string;
  readonly message: string;
}

/** How one kind is printed: the same columns for every object of it. */
export interface Printer<T> {
  readonly columns: readonly Column<T>[];
  readonly conditions?: (object: T) => readonly RowCondition[];
}

type CellOf<T> = (object: T, nowMs: number) => Cell;

/** A column of text. */
export const text = <T>(name: string, description: string, cell: CellOf<T>): Column<T> => ({
  name,
  type: "string",
  format: "",
  description,
  priority: 0,
  cell,
});
/** A column of whole numbers. */
export const integer = <T>(name: string, description: string, cell: CellOf<T>): Column<T> => ({
  ...text(name, description, cell),
  type: "integer",
});
/** A column of truth values. */
export const flag = <T>(name: string, description: string, cell: CellOf<T>): Column<T> => ({
  ...text(name, description, cell),
  type: "boolean",
});
/** The same column, shown only with -o wide. */
export const wide = <T>(column: Column<T>): Column<T> => ({ ...column, priority: 1 });

/** The object's name; clients know it by its format. */
export const name = <T extends Printable>(): Column<T> => ({
  ...text<T>("Name", "The object's name, unique among its kind in its namespace.", (o) => o.metadata?.name ?? ""),
  format: "name",
});
/** How long ago the object was created. */
export const age = <T extends Printable>(): Column<T> =>
  text<T>("Age", "Time since the object was created.", (o, nowMs) => humanAge(o.metadata?.creationTimestamp, nowMs));
/** When the object was created: what kinds without a printer of their own show instead of an age. */
export const createdAt = <T extends Printable>(): Column<T> => ({
  ...text<T>("Created At", "When the object was created.", (o) => o.metadata?.creationTimestamp ?? null),
  type: "date",
});
