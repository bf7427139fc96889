/**
 * Objects and lists within each other that a body may have. Kubernetes takes 10,000, but what copies, compares and writes objects here calls itself for each,
 * and runs out of stack at about 2,900 (JSON.stringify, as the first of all).
 */
export const levelsMax = 1_000;

export const tooDeep = `exceeded max depth: expected at most ${levelsMax} levels of objects and lists`;

/** Whether that many levels of objects and lists are not enough for a value. It calls itself no more often in itself than there are levels. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeper(item, levels - 1)) return true;
    return false;
  }
  for (const key in value) if (isDeeper((value as Readonly<Record<string, unknown>>)[key], levels - 1)) return true;
  return false;
}
