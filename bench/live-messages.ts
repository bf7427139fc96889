import { type Address, address } from "../protocol/address";
import type { Actor, AnyActor } from "../runtime/actor";
import { Authority, daySeconds } from "../runtime/live/certificates";
import { join } from "../runtime/live/join/admission";
import { Hub } from "../runtime/live/join/hub";
import { Joined } from "../runtime/live/join/joined";
import { Roster } from "../runtime/live/join/roster";
import { newToken } from "../runtime/live/join/token";
import { NoSecrets } from "../runtime/live/secrets";
import { LiveWorld } from "../runtime/live/world";

const inFlight = 64;
const payload = "x".repeat(200);

/** Keeps `inFlight` asks of 200 bytes under way to its peer and counts the answers. */
function caller(counted: (answers: number) => void): Actor<{ readonly peer: Address }, { readonly peer: Address }> {
  const ask = (state: { readonly peer: Address }, ctx: Parameters<AnyActor["receive"]>[2]): undefined => {
    ctx.ask(state.peer, { kind: "question", payload } as never, { deadlineMs: 10_000 }, (_state, answer) => {
      if (answer.ok) counted(1);
      return ask(state, ctx);
    });
  };
  return {
    role: "caller",
    start: (config, ctx) => {
      ctx.setTimer("begin", 200);
      return { peer: config.peer };
    },
    receive(state, input, ctx) {
      if (input.type === "timer") for (let i = 0; i < inFlight; i++) ask(state, ctx);
    },
  };
}

const answerer: AnyActor = {
  role: "answerer",
  start: () => null,
  receive(_state, input, ctx) {
    if (input.type === "request") ctx.reply(input.request, { kind: "answer", payload } as never);
  },
};

/** Messages (asks and answers) per second between two actors on nact, on two hosts of one process. */
export async function localMessagesPerSecond(seconds: number): Promise<number> {
  let answers = 0;
  const counting = caller((more) => {
    answers += more;
  });
  const world = new LiveWorld({ actors: [counting, answerer], secrets: new NoSecrets() });
  world.addHost({ name: "a", zone: "z", actors: [{ address: address("caller", 0), config: { peer: address("answerer", 0) } }] });
  world.addHost({ name: "b", zone: "z", actors: [{ address: address("answerer", 0), config: null }] });
  world.start();
  const rate = await measure(() => answers, seconds);
  await world.close();
  return rate;
}

/** The same over a WebSocket with TLS on loopback; both ends share this process, so both are paid for here. */
export async function webSocketMessagesPerSecond(seconds: number): Promise<number> {
  let answers = 0;
  const counting = caller((more) => {
    answers += more;
  });
  const world = new LiveWorld({ actors: [counting, answerer], secrets: new NoSecrets() });
  const authority = Authority.create("bench");
  const token = newToken(authority.publicKeyHash);
  const names = { names: ["127.0.0.1"], ttlSeconds: daySeconds, usages: ["server" as const] };
  const hub = new Hub({
    world,
    authority,
    serving: authority.issue({ subject: { commonName: "hub", organizations: [] }, ...names }),
    token,
    roster: new Roster(
      () => "far",
      { load: () => [], save: () => {} },
      () => performance.now(),
    ),
    plan: (host) => ({ name: host, zone: "z", actors: [{ address: address("answerer", host), config: null }] }),
    mayReach: () => true,
    hostsMax: 1,
    log: () => {},
  });
  const url = new URL(`wss://127.0.0.1:${await hub.listen(0, "127.0.0.1")}`);
  const far = new LiveWorld({ actors: [answerer], secrets: new NoSecrets() });
  const membership = await join(url, token, 1);
  let link: Joined | undefined;
  await new Promise<void>((connected, failed) => {
    link = new Joined({
      world: far,
      url,
      membership,
      connected: () => connected(),
      disconnected: () => {},
      refused: (why) => failed(new Error(why)),
    });
  });
  world.addHost({ name: "near", zone: "z", actors: [{ address: address("caller", 0), config: { peer: address("answerer", "far") } }] });
  world.start();
  const rate = await measure(() => answers, seconds);
  link?.close();
  await hub.close();
  await world.close();
  await far.close();
  return rate;
}

async function measure(answers: () => number, seconds: number): Promise<number> {
  const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  await wait(1000);
  const before = answers();
  const started = performance.now();
  await wait(seconds * 1000);
  return ((answers() - before) * 2) / ((performance.now() - started) / 1000);
}
