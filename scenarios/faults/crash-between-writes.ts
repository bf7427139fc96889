import { type Address, parseAddress } from "../../protocol/address";
import type { ApiRequest } from "../../protocol/api";
import { decode } from "../../protocol/codec";
import type { Effect } from "../../runtime/actor";
import { type Fate, performed } from "../../runtime/interposer";
import { durationSchema, type JsonSchema } from "../schema";
import { microseconds } from "./delay";
import { type Fault, listed } from "./fault";

const reading: ReadonlySet<string> = new Set(["get", "list", "watch", "connect"]);
const texts = (description: string): JsonSchema => ({ type: "array", items: { type: "string" }, minItems: 1, description });

export const crashBetweenWrites: Fault = {
  name: "crash-between-writes",
  what: "Crashes actors between two writes of one piece of work: before the `write`th write to the API in a row, so that what belongs together is half done (Sieve's intermediate states). Writes are in a row as long as no pause of `pause` lies between them.",
  params: {
    write: { type: "integer", minimum: 1, description: "before the how manieth write in a row; the second where not given" },
    pause: { ...durationSchema, description: "a pause after which a write is the first of other work; 200ms where not given" },
    resources: texts('count only writes to these resources, such as ["pods"]'),
    verbs: texts('count only writes of these verbs, such as ["create"]'),
    again: { type: "boolean", description: "not only once, but each time until the fault ends" },
  },
  required: [],
  aims: "actors",
  silences: false,
  swarm: {
    target: (d) => ({ role: "control", is: "leader", actor: d < 0.8 ? "controller-manager" : "scheduler" }),
    params: (d) => ({ write: 1 + Math.floor(d * 5) }),
  },
  begin(tank, actors, params) {
    const nth = (params.write as number | undefined) ?? 2;
    const pauseUs = microseconds(params.pause ?? "200ms");
    const resources = params.resources as readonly string[] | undefined;
    const verbs = params.verbs as readonly string[] | undefined;
    const crashes = new Map<Address, string[]>();
    const interposers = actors.flatMap((name) => {
      const actor = parseAddress(name);
      const host = tank.hostOf(actor);
      if (host === undefined) return [];
      let inRow = 0;
      let lastUs = Number.NEGATIVE_INFINITY;
      const effect = (who: Address, wanted: Effect): Fate => {
        if (who !== actor || wanted.type !== "ask" || wanted.kind !== "api.request") return performed;
        const { verb, resource, namespace, name: object } = decode(wanted.body) as ApiRequest;
        // A renewal of its own Lease and the Events it writes are no part of the work.
        if (reading.has(verb) || resource === "leases" || resource === "events") return performed;
        if ((resources && !resources.includes(resource)) || (verbs && !verbs.includes(verb))) return performed;
        const nowUs = tank.nowUs();
        inRow = nowUs - lastUs > pauseUs ? 1 : inRow + 1;
        lastUs = nowUs;
        if (inRow !== nth || (crashes.has(actor) && params.again !== true)) return performed;
        const about = [verb, resource, [namespace, object].filter((part) => part !== "").join("/")].filter((part) => part !== "").join(" ");
        crashes.set(actor, [...(crashes.get(actor) ?? []), about]);
        return { performs: false, dies: "actor" };
      };
      return [tank.interpose(host, () => ({ effect }))];
    });
    const soFar = () => listed(...[...crashes].map(([actor, writes]) => `${actor} crashed before ${writes.join(" and ")}`));
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        return soFar();
      },
    };
  },
};
