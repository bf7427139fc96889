import type { HistoryEvent } from "../../history";
import { microseconds } from "../../language/duration";
import { durationSchema } from "../../schema";
import type { Check } from "../check";
import { ObjectChanges, OpenApiWatches } from "./told";

/** An API server looks every five seconds at how far the member that it watches has come, and at the second look leaves one that lags; then it takes up another. */
const defaultWithinUs = 30_000_000;
const lookUs = 1_000_000;

export const apiWatchPrompt: Check = {
  name: "api-watch-prompt",
  claim:
    "While at most one member of etcd is in trouble, each change reaches every open watch of the API within a bound, whichever member the API server follows.",
  source: "etcd documentation, Failure modes (a minority); Kubernetes API concepts, Efficient detection of changes",
  params: { within: { ...durationSchema, description: "how long a change may take; 30s where not given" } },
  required: [],
  acrossRestore: "never",
  begin({ within }) {
    const withinUs = within === undefined ? defaultWithinUs : microseconds(within as string);
    const changes = new ObjectChanges();
    const watches = new OpenApiWatches();
    const weather = new Weather();
    /** Since when each watcher follows its kind, over breaks. */
    const since = new Map<string, number>();
    let told = 0;
    /** For how long a watch was followed at most with nothing in the way: for less than the bound nobody can be late. */
    let longestUs = 0;
    let nextLookUs = 0;
    return {
      see(event) {
        changes.see(event);
        weather.see(event);
        const seen = watches.see(event);
        if (seen) {
          const { fact, watch } = seen;
          watch.told = Math.max(watch.told, fact.resourceVersion);
          if (fact.type !== "BOOKMARK") told++;
        }
        if (event.atUs < nextLookUs) return undefined;
        nextLookUs = event.atUs + lookUs;
        for (const [name, watch] of watches.all()) {
          if (!since.has(name)) since.set(name, event.atUs);
          longestUs = Math.max(longestUs, event.atUs - Math.max(since.get(name)!, weather.goodSinceUs));
          const [due] = changes.between(watch, watch.told, Number.POSITIVE_INFINITY);
          if (!due) continue;
          const fromUs = Math.max(due.atUs, since.get(name)!, weather.goodSinceUs);
          if (event.atUs - fromUs > withinUs)
            return `${name} has not been told ${due.type} ${due.object} at ${due.revision} ${Math.floor((event.atUs - due.atUs) / 1e6)} s after it was written, though ${weather.text}`;
        }
        return undefined;
      },
      end() {
        const bound = `${withinUs / 1e6} s`;
        const detail =
          longestUs > withinUs
            ? `${told} events, each within ${bound} of when it had to be told`
            : `nothing to judge: no watch was open for ${bound} with at most one member of etcd in trouble (${told} events were told)`;
        return { detail, reached: told };
      },
    };
  },
};

const memberHost = /^etcd-\d+$/;

/** Since when nothing is wrong but with one and the same member of etcd at most: that is what a cluster has to bear without anybody noticing for long. */
class Weather {
  private readonly active = new Map<number, readonly string[]>();
  private member = "";
  private sinceUs = 0;

  see(event: HistoryEvent): void {
    if (event.type === "act" && event.act !== "end") this.sinceUs = event.atUs;
    if (event.type !== "fault") return;
    const before = this.isGood;
    const { step, phase, atUs, targets, hosts = targets } = event;
    if (phase === "began") this.active.set(step, hosts);
    else this.active.delete(step);
    const hit = [...new Set([...this.active.values()].flat())];
    const changed = hit.length === 1 && this.member !== hit[0];
    if (hit.length === 1) this.member = hit[0]!;
    if (!before || !this.isGood || (changed && phase === "began")) this.sinceUs = atUs;
  }

  /** Infinity while more is wrong. */
  get goodSinceUs(): number {
    return this.isGood ? this.sinceUs : Number.POSITIVE_INFINITY;
  }

  get text(): string {
    return this.active.size === 0 ? "nothing was in the way" : `only ${this.member} was in trouble`;
  }

  private get isGood(): boolean {
    const hit = new Set([...this.active.values()].flat());
    return hit.size === 0 || (hit.size === 1 && [...hit].every((host) => memberHost.test(host)));
  }
}
