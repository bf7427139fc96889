import { timestamp } from "../../protocol/kinds/object";

/** The parts that the conditions of all kinds share. */
export interface AnyCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export function conditionOf<C extends AnyCondition>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

export function withoutCondition<C extends AnyCondition>(conditions: readonly C[], type: string): readonly C[] {
  return conditions.some((condition) => condition.type === type) ? conditions.filter((condition) => condition.type !== type) : conditions;
}

/** The conditions with this one in the place of the one of its type. The transition time moves only with the status; where nothing changes the list stays the same list. */
export function withCondition<C extends AnyCondition>(
  conditions: readonly C[],
  condition: Omit<C, "lastTransitionTime">,
  nowMs: number,
): readonly C[] {
  const old = conditionOf(conditions, condition.type);
  if (old && old.status === condition.status && old.reason === condition.reason && old.message === condition.message) return conditions;
  const lastTransitionTime = old?.status === condition.status ? old.lastTransitionTime : timestamp(nowMs);
  const next = { ...condition, lastTransitionTime } as C;
  return old ? conditions.map((each) => (each.type === condition.type ? next : each)) : [...conditions, next];
}
