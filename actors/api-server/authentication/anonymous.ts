/**
 * Whether requests without a credential are let in as system:anonymous: the `anonymous` part of an AuthenticationConfiguration. It is read at the start
 * of a server alone, as kube-apiserver's.
 */
export interface AnonymousConfiguration {
  readonly enabled: boolean;
  /** The flag --anonymous-auth says so, and not the file. */
  readonly byFlag?: true;
  /** Where there are any, only requests for just these paths are. */
  readonly conditions?: readonly { readonly path: string }[];
}

type Wrong = (at: string, why: string) => void;

/** Reads that part; what is wrong is said, with the place. */
export function readAnonymous(value: unknown, wrong: Wrong): AnonymousConfiguration | undefined {
  if (value === undefined || value === null) return undefined;
  const record = recordAt(value);
  if (record === undefined) return void wrong("anonymous", "expected a record");
  const { enabled, conditions = [], ...unknown } = record;
  for (const field of Object.keys(unknown)) wrong(`anonymous.${field}`, "unknown field; known are enabled, conditions");
  if (enabled !== undefined && typeof enabled !== "boolean") wrong("anonymous.enabled", "expected true or false");
  if (!Array.isArray(conditions)) return void wrong("anonymous.conditions", "expected a list");
  if (enabled !== true && conditions.length > 0)
    wrong("anonymous.conditions", "Invalid value: enabled should be set to true when conditions are defined");
  const read = conditions.map((each: unknown, index) => {
    const { path, ...more } = recordAt(each) ?? {};
    for (const field of Object.keys(more)) wrong(`anonymous.conditions[${index}].${field}`, "unknown field; known is path");
    if (typeof path !== "string" || path === "") wrong(`anonymous.conditions[${index}].path`, "Required value");
    return { path: String(path) };
  });
  return { enabled: enabled === true, conditions: read };
}

/** Whether somebody who shows nothing is let in there; without a configuration everywhere. */
export function letsInAnonymous(configuration: AnonymousConfiguration | undefined, path: string): boolean {
  if (configuration === undefined) return true;
  const { enabled, conditions = [] } = configuration;
  return enabled && (conditions.length === 0 || conditions.some((each) => each.path === path));
}

/** What is wrong with what a file says now, where it said this at the start: that part is read at the start alone. */
export function anonymousChanged(started: AnonymousConfiguration | undefined, now: AnonymousConfiguration | undefined): readonly string[] {
  const [before, after] = [started?.byFlag ? undefined : started, now].map((each) => JSON.stringify(each ?? null));
  return before === after ? [] : ["anonymous: Forbidden: changed from initial configuration file"];
}

function recordAt(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Readonly<Record<string, unknown>>) : undefined;
}
