import type { StatusCause } from "../../../../protocol/kinds/generated";
import type { Kind } from "../../../../protocol/kinds/registry";
import { type Failure, invalid } from "../../../../protocol/status";

/** What is wrong with one field. The words are those of a real server: users, tests and tools read them. */

export type FieldErrorType =
  | "Required"
  | "Invalid"
  | "TypeInvalid"
  | "NotSupported"
  | "Duplicate"
  | "Forbidden"
  | "TooLong"
  | "TooMany"
  | "NotFound";

export interface FieldError {
  readonly type: FieldErrorType;
  /** `spec.containers[0].name`. */
  readonly field: string;
  /** The offending value, for the types that show it. */
  readonly value?: unknown;
  readonly detail: string;
  /** The value is not shown: it is too much, or says nothing. */
  readonly omitsValue?: true;
}

const titles: Readonly<Record<FieldErrorType, string>> = {
  Required: "Required value",
  Invalid: "Invalid value",
  TypeInvalid: "Invalid value",
  NotSupported: "Unsupported value",
  Duplicate: "Duplicate value",
  Forbidden: "Forbidden",
  TooLong: "Too long",
  TooMany: "Too many",
  NotFound: "Not found",
};

const valueless: ReadonlySet<FieldErrorType> = new Set(["Required", "Forbidden", "TooLong"]);

/** Collects what is found; validators get one and say what they see. */
export class Findings {
  private readonly found: FieldError[] = [];

  /** What was found, in the order of finding. */
  errors(): readonly FieldError[] {
    return this.found;
  }

  /** Takes over what was found elsewhere. */
  add(errors: readonly FieldError[]): void {
    this.found.push(...errors);
  }
  required(field: string, detail = ""): void {
    this.found.push({ type: "Required", field, detail });
  }
  invalid(field: string, value: unknown, detail: string): void {
    this.found.push({ type: "Invalid", field, value, detail });
  }
  /** One Invalid for each thing that is wrong with the value. */
  invalidFor(field: string, value: unknown, wrong: readonly string[]): void {
    for (const detail of wrong) this.invalid(field, value, detail);
  }
  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    this.found.push({
      type: "NotSupported",
      field,
      value,
      detail: `supported values: ${supported.map((each) => JSON.stringify(each)).join(", ")}`,
    });
  }
  duplicate(field: string, value: unknown, detail = ""): void {
    this.found.push({ type: "Duplicate", field, value, detail });
  }
  forbidden(field: string, detail: string): void {
    this.found.push({ type: "Forbidden", field, detail });
  }
  tooLong(field: string, mostBytes: number): void {
    this.found.push({ type: "TooLong", field, detail: `may not be more than ${mostBytes} bytes` });
  }
  tooMany(field: string, count: number, most: number): void {
    this.found.push({ type: "TooMany", field, value: count, detail: `must have at most ${most} items` });
  }
  notFound(field: string, value: unknown, detail = ""): void {
    this.found.push({ type: "NotFound", field, value, detail });
  }
}

/** The error without its field: `Invalid value: "x": must be …`. */
export function bodyOf({ type, value, detail, omitsValue }: FieldError): string {
  const title = omitsValue || valueless.has(type) ? titles[type] : `${titles[type]}: ${JSON.stringify(value) ?? "null"}`;
  return detail === "" ? title : `${title}: ${detail}`;
}

/** The error as an entry of a Status' details. */
export function causeOf(error: FieldError): StatusCause {
  return { reason: `FieldValue${error.type}`, message: bodyOf(error), field: error.field };
}

/** The 422 for an object with errors: `Deployment.apps "x" is invalid: spec.replicas: Invalid value: …`. */
export function invalidStatus(kind: Kind, name: string, errors: readonly FieldError[]): Failure {
  const causes = new Map(errors.map((error) => [`${error.field}: ${bodyOf(error)}`, causeOf(error)]));
  return invalid({ group: kind.group, resource: kind.plural, kind: kind.kind, name }, [...causes.values()]);
}
