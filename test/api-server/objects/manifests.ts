import { decodeObject } from "../../../actors/api-server/objects/decode";
import { withDefaults } from "../../../actors/api-server/objects/defaulting";
import { prepareForCreate, prepareForUpdate } from "../../../actors/api-server/objects/strategy";
import { bodyOf } from "../../../actors/api-server/objects/validation/field-error";
import { validateCreate, validateUpdate } from "../../../actors/api-server/objects/validation/validate";
import type { JsonObject } from "../../../protocol/kinds/object";
import { kindOf } from "../../../protocol/kinds/registry";
import { deepFreeze } from "./freeze";

export const birth = { uid: "11111111-2222-3333-4444-555555555555", nowMs: 1_767_225_600_000 };

/** Takes a manifest the way of a create request, up to validation: decoded, completed, prepared; frozen at each step. */
export function created(manifest: JsonObject): JsonObject {
  const kind = kindOf(manifest.apiVersion as string, manifest.kind as string)!;
  const decoded = decodeObject(kind, deepFreeze(structuredClone(manifest)), "Strict");
  if (!decoded.ok) throw new Error(decoded.failure.message);
  return deepFreeze(prepareForCreate(kind, deepFreeze(withDefaults(kind, deepFreeze(decoded.object))), birth));
}

export const podManifest = (spec: JsonObject = {}, container: JsonObject = {}): JsonObject => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "shop" },
  spec: { containers: [{ name: "web", image: "nginx:1.27", ...container }], ...spec },
});

export const deploymentManifest = (spec: JsonObject = {}, podSpec: JsonObject = {}): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "shop" },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image: "nginx:1.27" }], ...podSpec } },
    ...spec,
  },
});

const lines = (errors: ReturnType<typeof validateCreate>) => errors.map((error) => `${error.field}: ${bodyOf(error)}`);

/** All that is wrong with a new object, in the order of a real server. */
export function wrongWith(manifest: JsonObject): readonly string[] {
  return lines(validateCreate(kindOf(manifest.apiVersion as string, manifest.kind as string)!, created(manifest)));
}

/** All that is wrong with making one object of another; with a status to a status too, where the manifests bring one. */
export function wrongWithUpdate(before: JsonObject, after: JsonObject, subresource = ""): readonly string[] {
  const kind = kindOf(before.apiVersion as string, before.kind as string)!;
  const withStatus = (manifest: JsonObject) =>
    manifest.status === undefined ? created(manifest) : { ...created(manifest), status: manifest.status };
  const stored = deepFreeze(withStatus(before));
  const updated = deepFreeze(prepareForUpdate(kind, stored, withStatus(after), subresource));
  return lines(validateUpdate(kind, stored, updated, subresource));
}
