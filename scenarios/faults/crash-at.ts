import { type Address, type HostName, parseAddress, roleOf } from "../../protocol/address";
import type { Effect } from "../../runtime/actor";
import { type Fate, performed } from "../../runtime/interposer";
import { crashPoints } from "./crash-points";
import { type Fault, listed, type Params } from "./fault";

export const crashAt: Fault = {
  name: "crash-at",
  what: "Kills an actor's host, or the actor alone, at an exact place of what it does: the `nth` time that it comes to a named `point`, or is about to have an effect of that kind performed, to say a message, to record a fact. Only its own actor's part of the moment is done, not what follows. A host starts again when the fault ends.",
  params: {
    point: { enum: crashPoints.map(({ name }) => name), description: crashPoints.map(({ name, what }) => `${name}: ${what}`).join("; ") },
    actor: { type: "string", description: 'without a point: only actors of this role, such as "etcd"' },
    effect: {
      enum: ["send", "ask", "reply", "open", "push", "persist", "setTimer", "record"],
      description: "without a point: the kind of effect",
    },
    message: { type: "string", description: 'without a point: only messages whose kind begins so, such as "raft.append"' },
    token: { type: "string", description: "without a point: only writes whose token begins so" },
    fact: { type: "string", description: 'without a point: only this fact, such as "etcd.applied"' },
    side: { enum: ["before", "after"], description: "without a point: before the effect is performed or after it; after where not given" },
    nth: { type: "integer", minimum: 1, description: "the how manieth time; the first where not given" },
    dies: { enum: ["host", "actor"], description: "what dies; the host where not given" },
  },
  required: [],
  silences: true,
  swarm: {
    roles: ["etcd", "etcd", "apiserver", "control", "node"],
    // A point of another role is never reached, which a swarm may miss.
    params: (d) => ({
      point: crashPoints[Math.floor(d * crashPoints.length)]!.name,
      nth: 1 + (Math.floor(d * 1e6) % 5),
      ...(Math.floor(d * 1e7) % 3 === 0 ? { dies: "actor" } : {}),
    }),
  },
  begin(tank, hosts, params) {
    const place = placeOf(params);
    const nth = (params.nth as number | undefined) ?? 1;
    const dies = (params.dies ?? "host") as "host" | "actor";
    const died = new Map<HostName, Address>();
    const interposers = hosts.map((host) => {
      let seen = 0;
      const effect = (actor: Address, wanted: Effect, synced: boolean): Fate => {
        if (died.has(host) || (place.role !== undefined && roleOf(actor) !== place.role) || !place.is(wanted, synced)) return performed;
        if (++seen < nth) return performed;
        died.set(host, actor);
        return { performs: place.side === "after", dies };
      };
      return tank.interpose(host, () => ({ effect }));
    });
    const soFar = () => listed(...[...died].map(([host, actor]) => `${dies === "host" ? host : actor} died ${place.text} of ${actor}`));
    return {
      soFar,
      end() {
        for (const interposer of interposers) interposer.cancel();
        if (dies === "host") for (const host of died.keys()) tank.startHost(host);
        return soFar();
      },
    };
  },
};

interface Place {
  readonly role: string | undefined;
  readonly side: "before" | "after";
  readonly text: string;
  is(effect: Effect, synced: boolean): boolean;
}

function placeOf(params: Params): Place {
  const point = crashPoints.find(({ name }) => name === params.point);
  if (point) return { ...point, text: `at ${point.name}` };
  const { actor, effect, message, token, fact, side = "after" } = params as Readonly<Record<string, string | undefined>>;
  return {
    role: actor === undefined ? undefined : roleOf(parseAddress(`${actor}/0`)),
    side: side === "before" ? "before" : "after",
    text: `${side} ${listed(effect ?? "", message ?? "", token ?? "", fact ?? "") || "an effect"}`,
    is(wanted) {
      if (effect !== undefined && wanted.type !== effect) return false;
      if (message !== undefined && !("kind" in wanted && wanted.kind.startsWith(message))) return false;
      if (token !== undefined && !(wanted.type === "persist" && wanted.token.startsWith(token))) return false;
      return fact === undefined || (wanted.type === "record" && wanted.fact.kind === fact);
    },
  };
}
