import { containerRuntime, type ImageBehaviour } from "../../actors/container-runtime";
import { address } from "../../protocol/address";
import type { NetResponse } from "../../protocol/cluster";
import type { CriAnswer, CriListed, CriRequest } from "../../protocol/cri";
import type { Fact } from "../../runtime/actor";
import { Simulation } from "../../runtime/simulated/simulation";

const runtime = address("container-runtime", "node-0");

/** A container runtime alone on its node, asked as a kubelet would ask. */
function alone(...behaviours: readonly ImageBehaviour[]) {
  const facts: Fact[] = [];
  const simulation = new Simulation({
    seed: 1,
    actors: [containerRuntime],
    observers: [(_now, _host, event) => void (event.type === "fact" && facts.push(event.fact))],
  });
  simulation.addHost({ name: "node-0", zone: "a" });
  simulation.place("node-0", runtime, { node: "node-0", behaviours });
  simulation.start();
  /** Asks, and calls back when it is answered, however late. */
  const tell = <A>(request: object & { readonly kind: string }, then: (answer: A) => void = () => undefined) =>
    simulation.ask(runtime, request, 600_000, (answer) => {
      if (answer.ok) then(answer.body as A);
    });
  const ask = <A extends CriAnswer>(request: CriRequest, waitMs = 3_000): A => {
    let answered: A | undefined;
    tell<A>(request, (answer) => {
      answered = answer;
    });
    simulation.runFor(waitMs);
    if (!answered) throw new Error(`${request.kind} was not answered`);
    return answered;
  };
  const network = () => ask({ kind: "cri.updateRuntimeConfig", podCidr: "10.244.0.0/24" });
  const sandbox = (name: string) =>
    ask<CriAnswer & { sandboxId: string; ip: string }>({
      kind: "cri.runPodSandbox",
      uid: name,
      namespace: "shop",
      name,
      attempt: 0,
      hostIp: "",
    } as CriRequest);
  const start = (sandboxId: string, image: string, memoryLimit = 0): string => {
    ask({ kind: "cri.pullImage", image });
    const create = {
      kind: "cri.createContainer",
      sandboxId,
      name: "web",
      image,
      attempt: 0,
      command: [],
      args: [],
      ports: [80],
      memoryLimit,
      environment: [],
      stdin: false,
      stdinOnce: false,
      tty: false,
    } as const;
    const { containerId } = ask<CriAnswer & { containerId: string }>(create as CriRequest);
    ask({ kind: "cri.startContainer", containerId });
    return containerId;
  };
  const request = (ip: string, port = 80, then: (answer: NetResponse) => void = () => undefined) =>
    tell<NetResponse>(
      {
        kind: "net.request",
        sourceIp: "10.244.0.200",
        destinationIp: ip,
        port,
        protocol: "TCP",
        method: "GET",
        path: "/",
        body: new Uint8Array(0),
        requestId: "r",
      } as never,
      then,
    );
  const send = (ip: string, port = 80): NetResponse => {
    let answered: NetResponse | undefined;
    request(ip, port, (answer) => {
      answered = answer;
    });
    simulation.runFor(100);
    return answered!;
  };
  const list = () => ask<CriListed>({ kind: "cri.list" });
  return { simulation, facts, ask, tell, network, sandbox, start, request, send, list };
}

const exits = (facts: readonly Fact[]) =>
  facts.filter(({ kind }) => kind === "container.exited").map(({ exitCode, reason }) => `${exitCode} ${reason}`);

describe("sandboxes", () => {
  test("need a pod network, get addresses from it, and give them back to be used again late", () => {
    const t = alone();
    expect(t.sandbox("early")).toMatchObject({ kind: "cri.failed", code: "Unavailable" });
    t.network();
    const first = t.sandbox("a");
    expect([first.ip, t.sandbox("b").ip]).toEqual(["10.244.0.2", "10.244.0.3"]);
    t.ask({ kind: "cri.removePodSandbox", sandboxId: first.sandboxId });
    expect(t.sandbox("c").ip).toBe("10.244.0.4");
  });
});

describe("containers", () => {
  test("answer once they are ready, refuse before, and where they do not listen", () => {
    const t = alone({ image: "slow", startMs: 0, readyAfterMs: 10_000 });
    t.network();
    const { sandboxId, ip } = t.sandbox("a");
    t.start(sandboxId, "slow");
    expect(t.send(ip)).toMatchObject({ outcome: "refused" });
    t.simulation.runFor(10_000);
    expect(t.send(ip)).toMatchObject({ outcome: "answered", code: 200, servedBy: "shop/a" });
    expect(t.send(ip, 81)).toMatchObject({ outcome: "refused" });
    expect(t.send("10.244.0.99")).toMatchObject({ outcome: "unreachable" });
  });

  test("whose image takes more memory than they are allowed are killed", () => {
    const t = alone({ image: "fat", memoryBytes: 2_000 });
    t.network();
    t.start(t.sandbox("a").sandboxId, "fat", 1_000);
    expect(exits(t.facts)).toEqual(["137 OOMKilled"]);
    const u = alone({ image: "fat", memoryBytes: 2_000 });
    u.network();
    u.start(u.sandbox("a").sandboxId, "fat", 3_000);
    expect(exits(u.facts)).toEqual([]);
  });

  test("that crash on a request reset those that are under way", () => {
    const t = alone({ image: "brittle", latencyMs: 50, crashOnRequest: 3, crashCode: 2 });
    t.network();
    const { sandboxId, ip } = t.sandbox("a");
    t.start(sandboxId, "brittle");
    const outcomes: string[] = [];
    for (let n = 0; n < 3; n += 1) t.request(ip, 80, ({ outcome }) => outcomes.push(outcome));
    t.simulation.runFor(1_000);
    expect(outcomes).toEqual(["refused", "refused", "refused"]);
    expect(exits(t.facts)).toEqual(["2 Error"]);
  });

  test("told to stop, serve while they drain, finish what they began, and exit with 0", () => {
    const t = alone({ image: "polite", drainMs: 1_000, shutdownMs: 500, latencyMs: 1 });
    t.network();
    const { sandboxId, ip } = t.sandbox("a");
    const containerId = t.start(sandboxId, "polite");
    let stopped = false;
    t.tell({ kind: "cri.stopContainer", containerId, timeoutMs: 30_000 } as never, () => {
      stopped = true;
    });
    t.simulation.runFor(500);
    expect(t.send(ip).outcome).toBe("answered");
    t.simulation.runFor(500);
    expect(t.send(ip).outcome).toBe("refused");
    expect(stopped).toBe(false);
    t.simulation.runFor(500);
    expect([stopped, exits(t.facts)]).toEqual([true, ["0 Completed"]]);
  });

  test("that ignore SIGTERM are killed when the time is over, sooner if a second call says so", () => {
    const t = alone({ image: "deaf", ignoresSigterm: true });
    t.network();
    const containerId = t.start(t.sandbox("a").sandboxId, "deaf");
    t.tell({ kind: "cri.stopContainer", containerId, timeoutMs: 30_000 } as never);
    t.simulation.runFor(10_000);
    t.tell({ kind: "cri.stopContainer", containerId, timeoutMs: 2_000 } as never);
    t.simulation.runFor(1_900);
    expect(exits(t.facts)).toEqual([]);
    t.simulation.runFor(200);
    expect(exits(t.facts)).toEqual(["137 Error"]);
  });

  test("are gone with everything else when the host goes down", () => {
    const t = alone();
    t.network();
    t.start(t.sandbox("a").sandboxId, "web");
    t.simulation.crashHost("node-0");
    t.simulation.startHost("node-0");
    t.simulation.runFor(5_000);
    expect(t.list()).toMatchObject({ sandboxes: [], containers: [], images: [] });
  });
});

describe("images", () => {
  test("that are pulled twice at once are pulled once", () => {
    const t = alone({ image: "web", pullMs: 1_000 });
    let answers = 0;
    for (let n = 0; n < 2; n += 1) t.tell({ kind: "cri.pullImage", image: "web" } as never, () => (answers += 1));
    t.simulation.runFor(1_100);
    expect(answers).toBe(2);
  });

  test("that cannot be pulled say why, and no container is made of them", () => {
    const t = alone({ image: "none", pullFailure: "not found" });
    t.network();
    expect(t.ask({ kind: "cri.pullImage", image: "none" })).toMatchObject({
      kind: "cri.failed",
      message: 'failed to pull and unpack image "none": not found',
    });
    const { sandboxId } = t.sandbox("a");
    const create = {
      kind: "cri.createContainer",
      sandboxId,
      name: "web",
      image: "none",
      attempt: 0,
      command: [],
      args: [],
      ports: [],
      memoryLimit: 0,
      environment: [],
      stdin: false,
      stdinOnce: false,
      tty: false,
    };
    expect(t.ask(create as CriRequest)).toMatchObject({ kind: "cri.failed", code: "NotFound" });
  });
});
