import { connect as connectPlainly } from "node:net";
import { connect } from "node:tls";
import { WebSocket } from "ws";
import { type Address, address } from "../../protocol/address";
import { encode, encodeEnvelope, type Message } from "../../protocol/codec";
import { type Envelope, protocolVersion } from "../../protocol/envelope";
import type { Actor, Answer } from "../../runtime/actor";
import { JoinRefused, join, type Membership } from "../../runtime/live/join/admission";
import { encodeControlMessage, versionHeader } from "../../runtime/live/join/control";
import { Joined } from "../../runtime/live/join/joined";
import { formatToken, newToken, parseToken } from "../../runtime/live/join/token";
import { NoSecrets } from "../../runtime/live/secrets";
import { encodeBatch, encodeControl } from "../../runtime/live/wire/batch";
import { LiveWorld } from "../../runtime/live/world";
import { eventually } from "../contracts/worlds";
import { hubFor, joinedWorlds } from "./joined-worlds";

interface Words extends Message {
  readonly text: string;
}

/** Answers with its host; "via" asks another first; "watch" streams. */
const puppet: Actor<null, { heard: string[]; open: number }, Message & { readonly to?: Address }> = {
  role: "puppet",
  start: () => ({ heard: [], open: 0 }),
  receive(state, input, ctx) {
    const words = (text: string): Words => ({ kind: "words", text });
    if (input.type === "message" && input.body.kind === "open") {
      state.open++;
      ctx.open(input.body.to!, { kind: "watch" }, (later, { type }) => {
        if (type === "closed") later.open--;
        return undefined;
      });
    } else if (input.type === "message") state.heard.push(`${input.from}: ${input.body.kind}`);
    if (input.type === "opened") ctx.push(input.stream, words(`from ${ctx.host}`));
    if (input.type !== "request") return undefined;
    const { request, body } = input;
    if (body.kind === "heard") ctx.reply(request, words(state.heard.join()));
    else if (body.kind === "via")
      ctx.ask<Words>(body.to!, { kind: "where" }, { deadlineMs: 5_000 }, (_state, answer, later) => {
        later.reply(request, words(answer.ok ? `${answer.body.text} by way of ${later.host}` : answer.error));
        return undefined;
      });
    else ctx.reply(request, words(`${ctx.host} in ${ctx.zone}`));
    return undefined;
  },
};

const textOf = (answer: Answer) => (answer.ok ? (answer.body as Words).text : answer.error);
const newWorld = () => new LiveWorld({ actors: [puppet], secrets: new NoSecrets() });

function join1(hub: { readonly url: URL; readonly token: ReturnType<typeof newToken> }): Promise<Membership> {
  return join(hub.url, hub.token, 1);
}

/** A joined process in this one, with what happened to it. */
function connectAs(membership: Membership, url: URL) {
  const world = newWorld();
  const log: string[] = [];
  const link = new Joined({
    world,
    url,
    membership,
    connected: (hosts) => log.push(`connected as ${hosts.join()}`),
    disconnected: () => log.push("disconnected"),
    refused: (why) => log.push(`refused: ${why}`),
    link: { pingIntervalMs: 50, silenceMaxMs: 400 },
  });
  const close = async () => {
    link.close();
    await world.close();
  };
  return { world, log, link, close };
}

describe("a process that joins", () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function startHub(names: readonly string[], options = {}) {
    const world = newWorld();
    const hub = await hubFor(world, names, { link: { pingIntervalMs: 50, silenceMaxMs: 400 }, ...options });
    closing.push(
      () => world.close(),
      () => hub.hub.close(),
    );
    return { world, ...hub };
  }

  test("becomes the hosts that the hub gives it; its actors are asked from everywhere, through the hub also from other joined processes", async () => {
    const hub = newWorld();
    const { joined, close } = await joinedWorlds(hub, ["node-3", "node-4"], [puppet]);
    closing.push(close);
    expect(textOf(await hub.ask(address("puppet", "node-3"), { kind: "where" }, 5_000))).toBe("node-3 in joined");
    const via = { kind: "via", to: address("puppet", "node-4") };
    expect(textOf(await hub.ask(address("puppet", "node-3"), via, 5_000))).toBe("node-4 in joined by way of node-3");
    expect(joined[0]!.directory.hostOf(address("puppet", "node-4"))).toBe("node-4");
  });

  test("with a wrong token is refused, and no host is given away", async () => {
    const hub = await startHub(["node-3"]);
    const wrong = { ...hub.token, secret: newToken("").secret };
    await expect(join(hub.url, wrong, 1)).rejects.toThrow(new JoinRefused(`${hub.url.host} refused: the cluster does not know this token`));
    expect(hub.roster.known()).toEqual([]);
  });

  test("says nothing to a cluster whose authority is not the one that the token names", async () => {
    const hub = await startHub(["node-3"]);
    const impostor = await startHub([], { log: () => fail("something was said to it") });
    await expect(join(impostor.url, hub.token, 1)).rejects.toThrow(/is not the cluster that the token is for/);
  });

  test("is told when nobody is there", async () => {
    const hub = await startHub([]);
    await hub.hub.close();
    await expect(join1(hub)).rejects.toThrow(/cannot be reached: connect ECONNREFUSED/);
  });

  test("is told how many nodes it may bring", async () => {
    const hub = await startHub([]);
    await expect(join(hub.url, hub.token, 11)).rejects.toThrow("11 nodes: one process may join with 1 to 10");
  });

  test("whose process dies is noticed at once, streams with it break; joining again it is the same host", async () => {
    const hub = await startHub(["node-3"]);
    const first = connectAs(await join1(hub), hub.url);
    await eventually(() => first.log.length > 0);
    const inputs: string[] = [];
    hub.world
      .outsidePortal()
      .open(address("puppet", "node-3"), { kind: "watch" }, (input) => inputs.push(input.type === "closed" ? input.reason : "item"));
    await eventually(() => inputs.length === 1);
    await first.close();
    await eventually(() => inputs.length === 2);
    expect(inputs).toEqual(["item", "unreachable"]);
    expect(textOf(await hub.world.ask(address("puppet", "node-3"), { kind: "where" }, 5_000))).toBe("unreachable");
    const second = connectAs(await join1(hub), hub.url);
    closing.push(second.close);
    await eventually(() => second.log.length > 0);
    expect(second.log).toEqual(["connected as node-3"]);
    expect(textOf(await hub.world.ask(address("puppet", "node-3"), { kind: "where" }, 5_000))).toBe("node-3 in joined");
  });

  test("that another has taken over is refused for good", async () => {
    const hub = await startHub(["node-3"]);
    const membership = await join1(hub);
    const first = connectAs(membership, hub.url);
    await eventually(() => first.log.length > 0);
    await first.close();
    await eventually(() => hub.hub.connectedHosts().length === 0);
    const second = connectAs(await join1(hub), hub.url);
    closing.push(second.close);
    await eventually(() => second.log.length > 0);
    const again = connectAs(membership, hub.url);
    closing.push(again.close);
    await eventually(() => again.log.length > 0);
    expect(again.log).toEqual(["refused: no host belongs to this certificate any more: another process has joined in its place"]);
  });

  test("comes back by itself when its connection broke, with the memory of its actors", async () => {
    const hub = await startHub(["node-3"]);
    const process = connectAs(await join1(hub), hub.url);
    closing.push(process.close);
    await eventually(() => process.log.length > 0);
    hub.world.outsidePortal().send(address("puppet", "node-3"), { kind: "remember" });
    await eventually(
      () => ((process.world.hosts.get("node-3")!.cell(address("puppet", "node-3"))?.state as { heard: string[] })?.heard.length ?? 0) > 0,
    );
    hub.hub.breakLink("node-3", "test");
    await eventually(() => process.log.length >= 3);
    expect(process.log).toEqual(["connected as node-3", "disconnected", "connected as node-3"]);
    expect(textOf(await hub.world.ask(address("puppet", "node-3"), { kind: "heard" }, 5_000))).toBe("gateway/outside: remember");
  });

  test("and whose host dies and comes back at once never has one end of a stream without the other", async () => {
    const hub = await startHub(["node-3", "node-4"]);
    const [third, fourth] = [connectAs(await join1(hub), hub.url), connectAs(await join1(hub), hub.url)];
    closing.push(third.close, fourth.close);
    await eventually(() => third.log.length > 0 && fourth.log.length > 0);
    const cellOf = (world: LiveWorld, host: string) => world.hosts.get(host)?.cell(address("puppet", host));
    const open = () => (cellOf(third.world, "node-3")?.state as { open: number } | undefined)?.open ?? -1;
    const accepted = () => cellOf(fourth.world, "node-4")?.streams.size ?? 0;
    const order = { kind: "open", to: address("puppet", "node-4") };
    const begin = (streams: number) => {
      for (let i = 0; i < streams; i++) hub.world.outsidePortal().send(address("puppet", "node-3"), order);
    };
    for (let round = 0; round < 40; round++) {
      begin(3);
      await new Promise((resolve) => setTimeout(resolve, round % 4));
      await fourth.world.crashHost("node-4");
      begin(3);
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
      fourth.world.startHost("node-4");
      begin(3);
      await new Promise((resolve) => setTimeout(resolve, round % 3));
    }
    begin(3);
    await eventually(() => open() > 0 && open() === accepted(), 5_000).catch(() => {
      throw new Error(`${open()} streams are open at one end, ${accepted()} at the other`);
    });
    // Nothing more is under way, so it stays so.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(open()).toBe(accepted());
  });

  test("hears of fault rules, and they act on what it sends", async () => {
    const hub = await startHub(["node-3"]);
    const process = connectAs(await join1(hub), hub.url);
    closing.push(process.close);
    await eventually(() => process.log.length > 0);
    hub.world.addRule({ id: "deaf", from: ["node-3"], to: null, kinds: ["words"], effect: { type: "block" } });
    await eventually(() => process.world.wire.rules.length === 1);
    expect(textOf(await hub.world.ask(address("puppet", "node-3"), { kind: "where" }, 200))).toBe("timeout");
    hub.world.removeRule("deaf");
    expect(textOf(await hub.world.ask(address("puppet", "node-3"), { kind: "where" }, 5_000))).toBe("node-3 in joined");
  });

  describe("and does not keep to the rules", () => {
    async function rawLink(hub: Awaited<ReturnType<typeof startHub>>, membership: Membership) {
      const socket = new WebSocket(`${hub.url.href}link`, {
        ca: membership.authority,
        cert: membership.certificate,
        key: membership.key,
        headers: { [versionHeader]: "1" },
      });
      const closed = new Promise<string>((resolve) => socket.on("close", (_code, reason) => resolve(reason.toString())));
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("message", resolve));
      return { socket, closed };
    }
    const tell = (from: Address, to: Address): Uint8Array =>
      encodeEnvelope({
        operation: "tell",
        to,
        from,
        toIncarnation: 0,
        fromIncarnation: 1,
        id: 0,
        sequence: 0,
        fromOpener: false,
        deadlineMs: 0,
        kind: "forged",
        body: encode({ kind: "forged" }),
      } satisfies Envelope);

    test("by speaking for an actor that lives elsewhere, it is cut off, and nothing of it arrives", async () => {
      const hub = await startHub(["node-3", "node-4"]);
      hub.world.addHost({ name: "apiserver-0", zone: "a", actors: [{ address: address("puppet", "api"), config: null }] });
      hub.world.start();
      const other = connectAs(await join1(hub), hub.url);
      closing.push(other.close);
      await eventually(() => other.log.length > 0);
      for (const [from, fromHost] of [
        [address("puppet", "api"), "node-4"],
        [address("puppet", "node-3"), "node-4"],
        [address("puppet", "node-3"), "node-3"],
        [address("gateway", "outside"), "node-4"],
      ] as const) {
        const { socket, closed } = await rawLink(hub, await join1(hub));
        socket.send(encodeBatch([{ from: fromHost, to: "apiserver-0", envelope: tell(from, address("puppet", "api")) }]));
        expect(await closed).toContain(`cut off: it spoke for ${from}`);
      }
      expect(textOf(await hub.world.ask(address("puppet", "api"), { kind: "heard" }, 5_000))).toBe("");
    });

    test("by speaking to whom it may not reach, it is cut off", async () => {
      const hub = await startHub(["node-3"], { mayReach: (_from: Address, to: Address) => to !== address("etcd", 0) });
      const { socket, closed } = await rawLink(hub, await join1(hub));
      socket.send(encodeBatch([{ from: "node-3", to: "etcd-0", envelope: tell(address("puppet", "node-3"), address("etcd", 0)) }]));
      expect(await closed).toContain("puppet/node-3 may not speak to etcd/0");
    });

    test("by sending what is no frame, it is cut off", async () => {
      const hub = await startHub(["node-3"]);
      for (const bytes of [
        Buffer.from([9, 9, 9]),
        Buffer.from([1, 200, 1]),
        Buffer.from([2, 0x80]),
        encodeBatch([{ from: "node-3", to: "x", envelope: new Uint8Array([1]) }]),
      ]) {
        const { socket, closed } = await rawLink(hub, await join1(hub));
        socket.send(bytes);
        expect(await closed).not.toBe("");
      }
    });

    test("by placing actors that are not below its own, it is cut off", async () => {
      const hub = await startHub(["node-3"]);
      const { socket, closed } = await rawLink(hub, await join1(hub));
      socket.send(encodeControl(encodeControlMessage({ type: "places", places: [[address("apiserver", 0), "node-3"]] })));
      expect(await closed).toContain("it placed apiserver/0");
      expect(hub.world.directory.hostOf(address("apiserver", 0))).toBeUndefined();
    });

    test("without a certificate, or with one of another authority, it gets no link", async () => {
      const hub = await startHub(["node-3"]);
      const other = await startHub([]);
      const foreign = other.authority.issue({
        subject: { commonName: "x", organizations: ["wavetank:joined"] },
        usages: ["client"],
        names: [],
        ttlSeconds: 60,
      });
      const admin = hub.authority.issue({
        subject: { commonName: "x", organizations: ["system:masters"] },
        usages: ["client"],
        names: [],
        ttlSeconds: 60,
      });
      for (const [identity, code] of [
        [{}, 401],
        [{ cert: foreign.certificate, key: foreign.key }, 401],
        [{ cert: admin.certificate, key: admin.key }, 403],
      ] as const) {
        const headers = { [versionHeader]: "1" };
        const socket = new WebSocket(`${hub.url.href}link`, { ca: hub.authority.certificate, headers, ...identity });
        socket.on("error", () => {});
        expect(await new Promise((resolve) => socket.on("unexpected-response", (_request, response) => resolve(response.statusCode)))).toBe(
          code,
        );
        socket.terminate();
      }
    });
  });

  test("and speaks another version of the protocol is told to use the same release", async () => {
    const hub = await startHub(["node-3"]);
    const { authority, certificate, key } = await join1(hub);
    for (const version of [String(protocolVersion + 2), "x"]) {
      const socket = new WebSocket(`${hub.url.href}link`, { ca: authority, cert: certificate, key, headers: { [versionHeader]: version } });
      socket.on("error", () => {});
      expect(await new Promise((resolve) => socket.on("unexpected-response", (_request, response) => resolve(response.statusCode)))).toBe(
        426,
      );
      socket.terminate();
    }
  });

  test("does not have to be trusted with what others send: a silent link is given up", async () => {
    const hub = await startHub(["node-3"]);
    const membership = await join1(hub);
    const tls = connect({
      host: "127.0.0.1",
      port: Number(hub.url.port),
      ca: membership.authority,
      cert: membership.certificate,
      key: membership.key,
    });
    tls.on("error", () => {});
    tls.write(
      `GET /link HTTP/1.1\r\nhost: x\r\n${versionHeader}: 1\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString("base64")}\r\n\r\n`,
    );
    await eventually(() => hub.hub.connectedHosts().length === 1);
    await eventually(() => hub.hub.connectedHosts().length === 0);
    tls.destroy();
  });
});

test("a hub survives what strangers send, and lets in whoever comes next", async () => {
  const world = newWorld();
  const hub = await hubFor(world, ["node-3"]);
  const port = Number(hub.url.port);
  const upgrade = "GET /link HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n";
  const sent = ["", "\0".repeat(1_000), "GET / HTTP/1.1\r\n\r\n", upgrade, `POST /join HTTP/1.1\r\ncontent-length: 9\r\n\r\n{"id":[1]`];
  const huge = `POST /join HTTP/1.1\r\nhost: x\r\ncontent-length: 999999\r\n\r\n${"x".repeat(200_000)}`;
  for (const bytes of [...sent, huge]) {
    for (const isTls of [false, true]) {
      const raw = connectPlainly({ host: "127.0.0.1", port });
      const socket = isTls ? connect({ socket: raw, rejectUnauthorized: false }) : raw;
      for (const each of [raw, socket]) each.on("error", () => {});
      const closed = new Promise((resolve) => raw.once("close", resolve));
      socket.once(isTls ? "secureConnect" : "connect", () => {
        socket.write(bytes);
        // Broken off in the middle of whatever the hub says.
        setTimeout(() => raw.resetAndDestroy(), 5);
      });
      await closed;
    }
  }
  expect(typeof (await join1(hub)).certificate).toBe("string");
  await hub.hub.close();
  await world.close();
});

describe("a join token", () => {
  test("is read back as it was written, and anything else is refused with its form", () => {
    const token = newToken("ab".repeat(32));
    expect(parseToken(formatToken(token))).toEqual(token);
    for (const bad of ["", "x", `${formatToken(token)}0`, formatToken(token).toUpperCase(), "abcdef.short.hash"])
      expect(() => parseToken(bad)).toThrow("ID.SECRET.CAHASH");
  });
});

function fail(why: string): never {
  throw new Error(why);
}
