/** What a key holds; null where it does not exist. */
export type Value = string | null;

/** What was asked of one key. A swap puts `value` where the key holds `expected` and otherwise reads. */
export type Request =
  | { readonly type: "get" }
  | { readonly type: "put"; readonly value: string }
  | { readonly type: "delete" }
  | { readonly type: "swap"; readonly expected: Value; readonly value: string };

/** What came of it. `kept` is a swap that found something else than it expected. Unknown: it may have happened, at any time, or never. */
export type Outcome =
  | { readonly type: "got"; readonly value: Value }
  | { readonly type: "done" }
  | { readonly type: "deleted"; readonly existed: boolean }
  | { readonly type: "swapped" }
  | { readonly type: "kept"; readonly value: Value }
  | { readonly type: "unknown" };

/** One operation on one key as its client saw it. Requests that were refused without effect are no operations. */
export interface Operation {
  /** For people: "client/registers-0 #17". */
  readonly name: string;
  readonly key: string;
  /** Places in the order of all calls and returns; Infinity where there was no answer. */
  readonly called: number;
  readonly returned: number;
  readonly request: Request;
  readonly outcome: Outcome;
}

/** The sequential register: what the key holds after the operation, or undefined where in that state it could not have had that outcome. */
export function after(state: Value, { request, outcome }: Pick<Operation, "request" | "outcome">): Value | undefined {
  const unknown = outcome.type === "unknown";
  switch (request.type) {
    case "get":
      return unknown || (outcome.type === "got" && outcome.value === state) ? state : undefined;
    case "put":
      return unknown || outcome.type === "done" ? request.value : undefined;
    case "delete":
      return unknown || (outcome.type === "deleted" && outcome.existed === (state !== null)) ? null : undefined;
    case "swap": {
      const swaps = state === request.expected;
      if (unknown) return swaps ? request.value : state;
      if (swaps) return outcome.type === "swapped" ? request.value : undefined;
      return outcome.type === "kept" && outcome.value === state ? state : undefined;
    }
  }
}

/** "get → x", "put y → ?": an operation in a line. */
export function described({ name, key, request, outcome }: Operation): string {
  const asked = { get: "get", put: "put", delete: "delete", swap: "swap" }[request.type];
  const given =
    request.type === "put" ? ` ${request.value}` : request.type === "swap" ? ` ${shown(request.expected)} for ${request.value}` : "";
  return `${name}: ${asked} ${key}${given} → ${answered(outcome)}`;
}

export function shown(value: Value): string {
  return value === null ? "nothing" : value;
}

function answered(outcome: Outcome): string {
  switch (outcome.type) {
    case "got":
      return shown(outcome.value);
    case "done":
      return "done";
    case "deleted":
      return outcome.existed ? "deleted" : "there was nothing";
    case "swapped":
      return "swapped";
    case "kept":
      return `not swapped, it held ${shown(outcome.value)}`;
    case "unknown":
      return "no answer";
  }
}
