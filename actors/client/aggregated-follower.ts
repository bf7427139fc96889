import type { APIService } from "../../protocol/kinds/generated";
import type { Context } from "../../runtime/actor";
import { type AggregatedGroup, aggregatedGroupsOf, apiServices, preferred, resourcesDiscovered } from "./aggregated-resources";
import type { ApiClient } from "./api-client";
import type { Resource } from "./resource";
import type { ReadStore } from "./store";

/** As the real garbage collector looks at discovery again. */
const againMs = 30_000;
const neededVerbs = ["list", "watch", "delete"];

/**
 * Keeps up with what aggregated servers serve: asks them by discovery when APIServices change and every 30 s. What a server served stays known while it does
 * not answer, so that its objects are still thought to be there. Costs nothing where there is no aggregated server.
 */
export class AggregatedFollower<S> {
  /** The group versions that are served elsewhere, the preferred ones first. */
  groups: readonly AggregatedGroup[] = [];
  private readonly found = new Map<string, readonly Resource[]>();
  private readonly asked = new Set<string>();
  private timer: string | undefined;
  private said = "";

  constructor(
    private readonly client: ApiClient<S>,
    private readonly services: ReadStore<APIService>,
    private readonly onChange: (ctx: Context<S>) => undefined,
  ) {}

  /** What can be listed, watched and deleted, each resource in its preferred version. */
  get resources(): readonly Resource[] {
    return preferred(this.groups.flatMap((group) => this.found.get(nameOf(group)) ?? []));
  }

  /** APIServices may have changed. */
  look(ctx: Context<S>): undefined {
    const services = [...this.services.list()].filter(({ spec }) => spec?.service !== undefined);
    // A server that comes back, or goes, says something new.
    const said = JSON.stringify(services.map(({ metadata, spec, status }) => [metadata.name, spec, status?.conditions?.[0]?.status]));
    if (said === this.said) return undefined;
    this.said = said;
    this.groups = aggregatedGroupsOf(services);
    const names = new Set(this.groups.map(nameOf));
    for (const name of [...this.found.keys()]) if (!names.has(name)) this.found.delete(name);
    this.onChange(ctx);
    return this.ask(ctx);
  }

  stop(ctx: Context<S>): void {
    if (this.timer !== undefined) this.client.timers.release(this.timer, ctx);
    this.timer = undefined;
    this.groups = [];
  }

  private ask(ctx: Context<S>): undefined {
    if (this.groups.length === 0) return undefined;
    for (const group of this.groups) {
      const name = nameOf(group);
      if (this.asked.has(name)) continue;
      this.asked.add(name);
      this.client.discover(ctx, group, (_state, result, later) => {
        this.asked.delete(name);
        const resources = resourcesDiscovered(group, result);
        if (typeof resources === "string" || !this.groups.some((each) => nameOf(each) === name)) return undefined;
        const managed = resources.filter(({ verbs }) => neededVerbs.every((verb) => verbs.includes(verb)));
        this.found.set(
          name,
          managed.map(({ verbs, ...resource }) => resource),
        );
        return this.onChange(later);
      });
    }
    this.timer ??= this.client.timers.claim(`discovery/${apiServices.plural}`, (later) => this.ask(later));
    ctx.setTimer(this.timer, againMs);
    return undefined;
  }
}

function nameOf({ group, version }: AggregatedGroup): string {
  return `${group}/${version}`;
}
