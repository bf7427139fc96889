import type { Container, PodSpec } from "../../../protocol/kinds/generated";
import { parseQuantity } from "../../../protocol/kinds/quantity";

export type QualityOfService = "Guaranteed" | "Burstable" | "BestEffort";

/**
 * A Pod's QoS class: BestEffort when no container asks for CPU or memory; Guaranteed when each container limits both, to what it asks for;
 * Burstable otherwise. Resources of the Pod as a whole count in place of its containers'. Source: "Pod Quality of Service Classes".
 */
export function qualityOfService(spec: PodSpec): QualityOfService {
  const holders: readonly Pick<Container, "resources">[] =
    spec.resources?.requests || spec.resources?.limits ? [spec] : [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  let any = false;
  let guaranteed = true;
  for (const { resources } of holders) {
    for (const name of ["cpu", "memory"]) {
      const limit = amount(resources?.limits?.[name]);
      const request = amount(resources?.requests?.[name]);
      if (limit > 0n || request > 0n) any = true;
      if (limit === 0n || (resources?.requests?.[name] !== undefined && request !== limit)) guaranteed = false;
    }
  }
  return !any ? "BestEffort" : guaranteed ? "Guaranteed" : "Burstable";
}

const amount = (quantity: string | number | undefined): bigint => (quantity === undefined ? 0n : parseQuantity(quantity).nanos);
