import { createOwn } from "../bootstrap";
import type { Ctx, ServerState } from "../state";
import { cacheOf } from "../storage/feed";
import { guaranteedUpdate } from "../storage/guaranteed-update";
import { customApiService, managedLabel } from "./local";
import { allApiServices, apiServicesResource } from "./remote";

/** Sees to it that each group version of custom resources has its APIService, and none stays that was made for one that has gone. */
export function registerGroupVersions(state: ServerState, ctx: Ctx): undefined {
  const custom = state.served.kinds
    .filter((kind) => kind.custom)
    .map(({ group, version }) => ({ group, version, name: `${version}.${group}` }));
  const wanted = new Map(custom.map((each) => [each.name, each]));
  for (const { name, group, version } of wanted.values())
    if (!cacheOf(state.feed, apiServicesResource).get(apiServicesResource.prefix + name))
      createOwn(state, ctx, customApiService(group, version), () => undefined);
  for (const { metadata, spec } of allApiServices(state)) {
    if (metadata.labels?.[managedLabel] !== "true" || spec?.service !== undefined || wanted.has(metadata.name)) continue;
    const key = apiServicesResource.prefix + metadata.name;
    const cached = cacheOf(state.feed, apiServicesResource).get(key);
    const plan = {
      ...{ key, cached, deadlineUs: ctx.monotonicUs() + 10e6 },
      change: (current: typeof cached) => ({ type: current?.object.metadata.uid === metadata.uid ? "delete" : "keep" }) as const,
    };
    guaranteedUpdate(state, ctx, plan, (_state, outcome, ctx) => {
      if (outcome.type !== "deleted") return;
      const object = `apiregistration.k8s.io/apiservices/${metadata.name}`;
      ctx.record({ kind: "api.write", verb: "delete", object, resourceVersion: String(outcome.entry.revision), user: "system:apiserver" });
    });
  }
}
