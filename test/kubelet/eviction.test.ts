import {
  admits,
  evictionGraceMs,
  evictionMessage,
  evictionOrder,
  isShort,
  pressureConditions,
  scarceNow,
  shortageOf,
  signalsOf,
  underPressure,
} from "../../actors/kubelet/eviction";
import type { CriStatsListed } from "../../protocol/cri";
import type { Pod } from "../../protocol/kinds/generated";

const mebi = 2 ** 20;

interface Described {
  readonly requests?: Readonly<Record<string, string>>;
  readonly limits?: Readonly<Record<string, string>>;
  readonly priority?: number;
  readonly tolerates?: string;
}

function pod(uid: string, { requests, limits, priority, tolerates }: Described = {}): Pod {
  return {
    metadata: { uid, name: uid, namespace: "shop" },
    spec: {
      ...(priority === undefined ? {} : { priority }),
      ...(tolerates === undefined ? {} : { tolerations: [{ key: tolerates, operator: "Exists" }] }),
      containers: [{ name: "main", resources: { ...(requests ? { requests } : {}), ...(limits ? { limits } : {}) } }],
    },
  };
}

/** Stats by uid: memory and disk in Mi. */
function stats(usage: Readonly<Record<string, readonly [number, number]>>, other: Partial<CriStatsListed> = {}): CriStatsListed {
  const containers = Object.entries(usage).map(([podUid, [memory, disk]]) => ({
    ...{ podUid, name: "main", memoryBytes: memory * mebi, diskBytes: disk * mebi },
  }));
  return { kind: "cri.statsListed", containers, imageBytes: 0, otherMemoryBytes: 0, otherDiskBytes: 0, ...other };
}

const capacity = { memory: "1Gi", "ephemeral-storage": "10Gi" };

// Source: "Node-pressure Eviction" in the Kubernetes documentation.
describe("a node is short of", () => {
  it("memory when less than 100Mi are left after its containers and everything else", () => {
    const left = (other: number) =>
      isShort("memory", signalsOf(capacity, stats({ a: [500, 0], b: [100, 0] }, { otherMemoryBytes: other * mebi })));
    expect([left(0), left(324), left(325)]).toEqual([false, false, true]);
  });

  it("disk when less than a tenth is left after its containers, its images and everything else", () => {
    const left = (other: number) =>
      isShort("ephemeral-storage", signalsOf(capacity, stats({ a: [0, 1024] }, { imageBytes: 1024 * mebi, otherDiskBytes: other * mebi })));
    expect([left(0), left(7168), left(7169)]).toEqual([false, false, true]);
  });

  it("neither any more only after the transition period", () => {
    const last = new Map([["memory", 1000]] as const);
    expect([1000, 300_999, 301_000].map((now) => underPressure(last, now, 300_000))).toEqual([["memory"], ["memory"], []]);
    expect(pressureConditions(["memory"])).toEqual([
      {
        type: "MemoryPressure",
        status: "True",
        reason: "KubeletHasInsufficientMemory",
        message: "kubelet has insufficient memory available",
      },
      { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" },
    ]);
  });
});

describe("a soft threshold", () => {
  const soft = { memoryBytes: 300 * mebi, diskPart: 0.2, graceMs: 60_000, maxPodGraceMs: 20_000 };
  const left = (free: number) => signalsOf(capacity, stats({ a: [0, 0] }, { otherMemoryBytes: (1024 - free) * mebi }));

  it("is crossed before the hard one, and is nothing where there is none", () => {
    const none = { ...soft, memoryBytes: 0, diskPart: 0 };
    expect([300, 299, 100, 99].map((free) => shortageOf("memory", left(free), soft))).toEqual([undefined, "soft", "soft", "hard"]);
    expect([299, 99].map((free) => shortageOf("memory", left(free), none))).toEqual([undefined, "hard"]);
    const disk = signalsOf(capacity, stats({}, { otherDiskBytes: 8193 * mebi }));
    expect(shortageOf("ephemeral-storage", disk, soft)).toBe("soft");
  });

  it("costs a pod its place only after the grace period, a hard one at once and first", () => {
    const now = (memory: "hard" | "soft", disk: "hard" | undefined, atMs: number) =>
      scarceNow(new Map([["memory", memory] as const, ["ephemeral-storage", disk] as const]), new Map([["memory", 1000]]), atMs, soft)
        ?.scarce;
    expect([now("soft", undefined, 60_999), now("soft", undefined, 61_000), now("hard", undefined, 1000)]).toEqual([
      undefined,
      "memory",
      "memory",
    ]);
    expect(now("soft", "hard", 2000)).toBe("ephemeral-storage");
  });

  it("leaves a pod the time that it asks for, up to what the node allows; a hard one none", () => {
    const asks = (seconds: number): Pod => ({ spec: { terminationGracePeriodSeconds: seconds, containers: [] } });
    expect([
      evictionGraceMs(asks(5), "soft", soft),
      evictionGraceMs(asks(50), "soft", soft),
      evictionGraceMs(asks(5), "hard", soft),
    ]).toEqual([5000, 20_000, 0]);
  });
});

describe("who has to go first", () => {
  const order = (pods: readonly Pod[], usage: CriStatsListed, scarce: "memory" | "ephemeral-storage" = "memory") =>
    evictionOrder(pods, scarce, usage).map(({ pod: { metadata } }) => metadata?.uid);

  it("is who takes more than it asked for, then who matters less, then who takes most beyond", () => {
    const pods = [
      pod("within", { requests: { memory: "200Mi" }, priority: -5 }),
      pod("much", { requests: { memory: "50Mi" } }),
      pod("best-effort"),
      pod("important", { priority: 100 }),
      pod("more", { requests: { memory: "100Mi" } }),
    ];
    const usage = stats({ within: [150, 0], much: [250, 0], "best-effort": [150, 0], important: [900, 0], more: [400, 0] });
    expect(order(pods, usage)).toEqual(["more", "much", "best-effort", "important", "within"]);
  });

  it("is never a critical pod", () => {
    expect(
      order([pod("dns", { priority: 2_000_000_000 }), pod("web", { priority: 1_999_999_999 })], stats({ dns: [900, 0], web: [1, 0] })),
    ).toEqual(["web"]);
  });

  it("is decided by disk where disk is short", () => {
    const pods = [pod("a"), pod("b", { requests: { "ephemeral-storage": "1Gi" } }), pod("c")];
    expect(order(pods, stats({ a: [900, 10], b: [0, 900], c: [0, 20] }), "ephemeral-storage")).toEqual(["c", "a", "b"]);
  });

  it("is told why", () => {
    const usage = stats({ web: [300, 0] }, { otherMemoryBytes: 700 * mebi });
    const [first] = evictionOrder([pod("web", { requests: { memory: "100Mi" } })], "memory", usage);
    expect(evictionMessage("memory", signalsOf(capacity, usage), first!, usage)).toBe(
      "The node was low on resource: memory. Threshold quantity: 102400Ki, available: 24576Ki. Container main was using 307200Ki, request is 100Mi, has larger consumption of memory. ",
    );
  });
});

describe("a node under pressure takes", () => {
  const bestEffort = pod("a");
  const burstable = pod("b", { requests: { memory: "1Mi" } });

  it("whatever comes while there is none", () => {
    expect(admits(bestEffort, [])).toBe(true);
  });

  it("of memory: all but pods without requests, unless they tolerate it", () => {
    expect(
      [bestEffort, burstable, pod("c", { tolerates: "node.kubernetes.io/memory-pressure" })].map((one) => admits(one, ["memory"])),
    ).toEqual([...[false, true, true]]);
  });

  it("of disk: critical pods only", () => {
    const critical = pod("d", { priority: 2_000_001_000 });
    expect([bestEffort, burstable, critical].map((one) => admits(one, ["memory", "ephemeral-storage"]))).toEqual([false, false, true]);
  });
});
