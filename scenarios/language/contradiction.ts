import { type Condition, type ObjectPattern, patternText, type ValueTest } from "./condition";

/** Why a condition can never hold whatever happens: it contradicts itself. undefined where it does not. What only a cluster can tell is for the reader. */
export function contradictionIn(condition: Condition): string | undefined {
  switch (condition.type) {
    case "any": {
      const why = condition.of.map(contradictionIn);
      return why.every((one) => one !== undefined) ? why[0] : undefined;
    }
    case "all": {
      const parts = flatten(condition);
      for (const part of parts) {
        const why = contradictionIn(part);
        if (why !== undefined) return why;
      }
      return amongAll(parts);
    }
    case "object":
    case "count":
      return ofTest(condition.test, condition.type === "count");
    case "transition":
      if (condition.from?.is !== undefined && condition.to?.is !== undefined && String(condition.from.is) === String(condition.to.is))
        return `it asks for a change from ${String(condition.from.is)} to the same`;
      return undefined;
    default:
      return undefined;
  }
}

/** The parts of an "all", with those of the "all"s in it. */
function flatten(condition: Condition): readonly Condition[] {
  return condition.type === "all" ? condition.of.flatMap(flatten) : [condition];
}

function amongAll(parts: readonly Condition[]): string | undefined {
  const texts = parts.map((part) => JSON.stringify(part));
  for (const part of parts)
    if (part.type === "not" && texts.includes(JSON.stringify(part.of))) return "it asks for a condition and for its opposite";
  for (const [i, one] of parts.entries())
    for (const other of parts.slice(i + 1)) {
      const why = betweenTwo(one, other);
      if (why !== undefined) return why;
    }
  return undefined;
}

function betweenTwo(one: Condition, other: Condition): string | undefined {
  if (one.type === "host" && other.type === "host" && one.host === other.host && one.up !== other.up)
    return `it asks for ${one.host} to be up and down`;
  if (one.type === "check" && other.type === "check" && one.check === other.check && one.violated !== other.violated)
    return `it asks for ${one.check} to be violated and held`;
  const sameValue =
    (one.type === "object" && other.type === "object" && one.field === other.field && isOne(one.object)) ||
    (one.type === "count" && other.type === "count" && JSON.stringify(one.where) === JSON.stringify(other.where));
  if (!sameValue || patternText(one.object) !== patternText(other.object)) return undefined;
  const what = one.type === "object" ? `${one.field} of ${patternText(one.object)}` : `the number of ${patternText(one.object)}`;
  return disjoint(one.test, other.test) ? `it asks for two different values of ${what}` : undefined;
}

function isOne({ namespace, name }: ObjectPattern): boolean {
  return !namespace.includes("*") && !name.includes("*");
}

function ofTest({ is, atLeast, atMost }: ValueTest, counts: boolean): string | undefined {
  if (atLeast !== undefined && atMost !== undefined && atLeast > atMost) return `nothing is at least ${atLeast} and at most ${atMost}`;
  if (counts && [is, atMost].some((n) => n !== undefined && (n as number) < 0)) return "a number of objects is never below 0";
  return typeof is === "number" && disjoint({ is }, { atLeast, atMost }) ? `${is} is outside of what else is asked for` : undefined;
}

function disjoint(one: ValueTest, other: ValueTest): boolean {
  if (one.exists === false && (other.is !== undefined || other.exists === true)) return true;
  if (other.exists === false && (one.is !== undefined || one.exists === true)) return true;
  if (one.is !== undefined && other.is !== undefined)
    return JSON.stringify(one.is) !== JSON.stringify(other.is) && String(one.is) !== String(other.is);
  const [low, high] = [Math.max(lowest(one), lowest(other)), Math.min(highest(one), highest(other))];
  return low > high;
}

function lowest({ is, atLeast }: ValueTest): number {
  return Math.max(atLeast ?? Number.NEGATIVE_INFINITY, typeof is === "number" ? is : Number.NEGATIVE_INFINITY);
}

function highest({ is, atMost }: ValueTest): number {
  return Math.min(atMost ?? Number.POSITIVE_INFINITY, typeof is === "number" ? is : Number.POSITIVE_INFINITY);
}
