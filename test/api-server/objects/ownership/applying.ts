import { fromFieldsV1, pathsOf } from "../../../../actors/api-server/objects/managed-fields/field-set";
import { applyConfiguration } from "../../../../actors/api-server/objects/managed-fields/ownership";
import type { JsonObject } from "../../../../protocol/kinds/object";
import { kindOf } from "../../../../protocol/kinds/registry";
import { deepFreeze } from "../freeze";

export const deployment = kindOf("apps/v1", "Deployment")!;
export const configMap = kindOf("v1", "ConfigMap")!;
export const service = kindOf("v1", "Service")!;
export const nowMs = 1_767_225_600_000;

export function apply(
  kind: typeof deployment,
  live: JsonObject | undefined,
  config: JsonObject,
  manager: string,
  options: { force?: boolean; subresource?: string; nowMs?: number } = {},
) {
  const writer = { manager, subresource: options.subresource ?? "", nowMs: options.nowMs ?? nowMs, force: options.force ?? false };
  return applyConfiguration(kind, live && deepFreeze(live), deepFreeze(config), writer);
}

export function applied(...args: Parameters<typeof apply>): JsonObject {
  const result = apply(...args);
  if (!result.ok) throw new Error(result.failure.message);
  return result.object;
}

export const failure = (...args: Parameters<typeof apply>) => {
  const result = apply(...args);
  return result.ok ? undefined : result.failure;
};

// biome-ignore lint/suspicious/noExplicitAny: the tests look into many shapes
export const entries = (object: JsonObject): any[] => (object.metadata as any).managedFields ?? [];
export const owners = (object: JsonObject): Record<string, readonly string[]> =>
  Object.fromEntries(entries(object).map((entry) => [`${entry.manager}/${entry.operation}`, pathsOf(fromFieldsV1(entry.fieldsV1)!)]));

export const web = (spec: JsonObject, metadata: JsonObject = {}): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop", ...metadata },
  spec,
});
export const containers = (...list: readonly JsonObject[]) => ({ template: { spec: { containers: list } } });
