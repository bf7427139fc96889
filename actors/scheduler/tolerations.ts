import type { Taint, Toleration } from "../../protocol/kinds/generated";

/**
 * Whether a toleration tolerates a taint: an empty key with Exists means every taint, an empty effect every effect.
 * Source: "Taints and Tolerations" in the Kubernetes documentation.
 */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  switch (toleration.operator ?? "") {
    case "":
    case "Equal":
      return (toleration.value ?? "") === (taint.value ?? "");
    case "Exists":
      return true;
    case "Gt":
      return compared(toleration, taint) > 0;
    case "Lt":
      return compared(toleration, taint) < 0;
    default:
      return false;
  }
}

/** The taint's value less the toleration's; 0, which satisfies neither Gt nor Lt, where one of them is no whole number. */
function compared(toleration: Toleration, taint: Taint): number {
  const whole = /^-?\d+$/;
  if (!whole.test(taint.value ?? "") || !whole.test(toleration.value ?? "")) return 0;
  return Number(taint.value) - Number(toleration.value);
}

/** The first taint with one of these effects that nothing tolerates. */
export function untoleratedTaint(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  effects: readonly string[],
): Taint | undefined {
  return taints?.find((taint) => effects.includes(taint.effect) && !tolerations?.some((toleration) => tolerates(toleration, taint)));
}
