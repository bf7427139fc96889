import fc from "fast-check";
import type { EtcdResponse, WatchRequest } from "../../protocol/etcd";
import { describeWith } from "../real-programs";
import { bodyOf, pathOf, watchBodyOf } from "./differential/json-form";
import { type Step, steps } from "./differential/operations";
import { type Plain, plainOfOurs, plainOfTheirs, plainWatchOfOurs, plainWatchOfTheirs } from "./differential/plain-form";
import { RealEtcd, type Reply } from "./differential/real-etcd";
import { ReplicaSet, type SeenWatch } from "./replica-set";
import { del, put } from "./store/requests";

/**
 * The store, transactions, leases and watches beside the real etcd server of this machine (Debian's etcd-server, a 3.4): random sequences must be answered
 * the same, with the same revisions, errors and events. WAVETANK_SEQUENCES, WAVETANK_SEED and WAVETANK_WITHIN_MS ask for more or others.
 *
 * What may differ, and why:
 * - revisions by a constant, for the real server is not started anew for each sequence; header.member and header.term, which name different replica sets;
 * - header.revision of the answers within a transaction: clients read that of the transaction's own header;
 * - how many events come in one watch response: etcd promises their order and that those of one revision stay together, not how they are packed;
 * - the seconds that are left of a lease: the two clocks are not one (whether it lives, what was granted and its keys are compared);
 * - a watch over a range without keys: etcd refuses it at its gRPC door, as ours does; the member behind the door confirms it, and it hears nothing;
 * - a watch that begins in the past and is overtaken by a compaction before it was brought up to date: when that happens is a matter of time on both sides,
 *   so a sequence waits until an event shows that a new watch is up to date;
 * - of a deletion's event only the key and the revision of the change are compared, as the protocol says no more of it.
 */

let real: RealEtcd;
/** One sequence on both sides. The real server keeps its revisions: it is emptied, and `offset` is what its revisions are ahead. */
class Pair {
  private readonly ours = new ReplicaSet({ size: 1 });
  private readonly member = this.ours.members[0]!;
  private offset = 0;
  private readonly watches: {
    readonly request: WatchRequest;
    readonly ours: SeenWatch;
    readonly theirs: Reply[];
    readonly end: () => void;
  }[] = [];

  async begin(): Promise<void> {
    this.ours.leader();
    const leases = await real.ask("/v3/lease/leases", {});
    for (const { ID } of leases.ok ? ((leases.body.leases ?? []) as readonly { readonly ID: string }[]) : [])
      await real.ask("/v3/lease/revoke", { ID });
    await real.ask("/v3/kv/deleterange", { key: "AA==", range_end: "AA==" });
    // Two revisions that no sequence sees, so that the first one is beyond whatever was compacted.
    await real.ask(pathOf(put("tmp", "")), bodyOf(put("tmp", ""), 0));
    const emptied = await real.ask(pathOf(del("tmp")), bodyOf(del("tmp"), 0));
    if (!emptied.ok) throw new Error(emptied.message);
    this.offset = Number((emptied.body.header as { readonly revision: string }).revision) - 1;
  }

  async step(step: Step): Promise<{ readonly ours: Plain; readonly theirs: Plain }> {
    if (step.type === "watch") {
      await this.watch(step.request);
      return { ours: null, theirs: null };
    }
    const { request } = step;
    const ours = this.ours.ask<EtcdResponse>(this.member, request);
    const theirs = await real.ask(pathOf(request), bodyOf(request, this.offset));
    return { ours: plainOfOurs(ours, request), theirs: plainOfTheirs(theirs, request, this.offset) };
  }

  /** What every watch has seen, once each has seen as much as ours did. */
  async seen(): Promise<{ readonly ours: Plain; readonly theirs: Plain }> {
    for (const { request } of this.watches) await this.step({ type: "request", request: { ...put("", "last"), key: request.key } });
    this.ours.simulation.runFor(100);
    const ours = this.watches.map((watch) => plainWatchOfOurs(watch.ours.responses));
    const theirs = () => this.watches.map((watch) => plainWatchOfTheirs(watch.theirs, this.offset));
    await until(() => theirs().every((events, i) => events.length >= ours[i]!.length));
    return { ours, theirs: theirs() };
  }

  end(): void {
    for (const { end } of this.watches) end();
  }

  private async watch(request: WatchRequest): Promise<void> {
    const theirs: Reply[] = [];
    const end = real.stream("/v3/watch", watchBodyOf(request, this.offset), (reply) => theirs.push(reply));
    const ours = this.ours.watch(this.member, request);
    this.watches.push({ request, ours, theirs, end });
    this.ours.until(() => ours.responses.length > 0, "our watch is not confirmed");
    await until(() => theirs.length > 0);
    if (request.startRevision === 0) return;
    // etcd brings a watch that begins in the past up to date in the background; a compaction meanwhile would overtake it. One event shows that it is.
    await this.step({ type: "request", request: { ...put("", "begun"), key: request.key } });
    this.ours.simulation.runFor(10);
    const told = plainWatchOfOurs(ours.responses).length;
    await until(() => plainWatchOfTheirs(theirs, this.offset).length >= told);
  }
}

/** Waits for what the real server is about to do; what does not come shows in the comparison. */
async function until(holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 1000 && !holds(); attempt++) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function compare(sequence: readonly Step[]): Promise<{ readonly answers: number }> {
  const pair = new Pair();
  try {
    await pair.begin();
    let answers = 0;
    for (const step of sequence) {
      const { ours, theirs } = await pair.step(step);
      expect({ step, answer: ours }).toEqual({ step, answer: theirs });
      answers++;
    }
    const { ours, theirs } = await pair.seen();
    expect(ours).toEqual(theirs);
    return { answers };
  } finally {
    pair.end();
  }
}

describeWith(["etcd"], "etcd beside the real server", () => {
  beforeAll(async () => {
    real = await RealEtcd.start();
  }, 60_000);
  afterAll(() => real?.stop());

  test("random sequences are answered as the real etcd answers them: values, revisions, errors and watch events", async () => {
    let answers = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        answers += (await compare(sequence)).answers;
      }),
      {
        numRuns: Number(process.env.WAVETANK_SEQUENCES ?? 150),
        seed: Number(process.env.WAVETANK_SEED ?? 5),
        interruptAfterTimeLimit: Number(process.env.WAVETANK_WITHIN_MS ?? 300_000),
      },
    );
    expect(answers).toBeGreaterThan(100);
  }, 600_000);
});
