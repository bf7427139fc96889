import { brief } from "../../scenarios/report/brief";
import type { CloseUp } from "../../scenarios/report/close-up";
import { intervalsHtml } from "../../scenarios/report/intervals";
import { callsIn } from "../../scenarios/report/operations";
import { perfettoOf } from "../../scenarios/report/perfetto";
import type { RunInput, RunResult } from "../../scenarios/run";
import { seenClosely, staleReads } from "./stale-reads";

describe("a run seen closely around its first violation", () => {
  let input: RunInput;
  let result: RunResult;
  let closeUp: CloseUp;
  let traceHash: string;
  beforeAll(() => {
    ({ input, result } = staleReads());
    ({ closeUp, traceHash } = seenClosely(input, result.focus.atUs));
  });

  it("focuses on the operation that is illegal", () => {
    const violated = result.checks.find(({ name }) => name === "linearizability")!;
    expect(violated.verdict).toBe("violated");
    expect(result.focus).toMatchObject({ atUs: violated.atUs, why: "linearizability is violated" });
    expect(violated.detail).toContain(result.focus.calls[0]);
  });

  it("is the same run: to watch it changes nothing", () => {
    expect(traceHash).toBe(result.traceHash);
  });

  it("has the messages on both sides of the moment: sent by hosts, arrived later or never, and what had a hand in it", () => {
    const { messages, fromUs, toUs, aroundUs } = closeUp;
    expect(messages.some(({ sentUs }) => sentUs < aroundUs) && messages.some(({ sentUs }) => sentUs > aroundUs)).toBe(true);
    for (const { from, to, sentUs, arrivedUs } of messages) {
      expect(from).not.toBe(to);
      expect(sentUs >= fromUs && sentUs <= toUs).toBe(true);
      for (const us of arrivedUs) expect(us).toBeGreaterThan(sentUs);
    }
    const [cut] = result.schedule.find(({ name }) => name === "isolate")!.targets;
    const blocked = messages.filter(({ rules }) => rules.some((rule) => rule.startsWith("step 0")));
    expect(blocked.length).toBeGreaterThan(0);
    expect(
      blocked.every(({ from, to, arrivedUs, operation }) => [from, to].includes(cut!) && (operation !== "tell" || arrivedUs.length === 0)),
    ).toBe(true);
    expect(messages.find(({ kind }) => kind === "raft.append")?.text).toMatch(/term \d/);
  });

  it("keeps those next to the moment where there are too many", () => {
    const few = seenClosely(input, result.focus.atUs, { beforeUs: 3e6, afterUs: 1e6, messagesMax: 40, turnsMax: 40 }).closeUp;
    expect(few.messages).toHaveLength(40);
    const again = (text: string) => closeUp.messages.find((message) => JSON.stringify(message) === text);
    for (const message of few.messages) expect(again(JSON.stringify(message))).toBeDefined();
    expect(few.turns.length).toBeLessThanOrEqual(40);
    const place = closeUp.messages.findIndex(({ sentUs }) => sentUs === few.messages[0]!.sentUs);
    expect(few.messages.map(({ sentUs }) => sentUs)).toEqual(closeUp.messages.slice(place, place + 40).map(({ sentUs }) => sentUs));
    expect(few.fromUs).toBe(few.messages[0]!.sentUs);
  });

  it("draws the illegal operation among those on its key, with what was committed, the fault and the leader", () => {
    const html = intervalsHtml(closeUp, result.focus, result.series);
    expect([...html.matchAll(/class="band op illegal"/g)]).toHaveLength(1);
    expect([...html.matchAll(/class="band op"/g)].length).toBeGreaterThan(5);
    expect(html).toMatch(/class="commit"/);
    expect(html).toMatch(/class="band fault"[^>]*>isolate/);
    expect(html).toMatch(/class="band leader"[^>]*>etcd\/\d, term \d/);
    expect(html).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("is a Perfetto trace: hosts are processes, actors threads, turns slices, and each flow leads from a slice into a later one", () => {
    type Event = { ph: string; name: string; pid: number; tid: number; ts: number; dur: number; id: number; args: { name: string } };
    const { traceEvents } = JSON.parse(perfettoOf(result, closeUp)) as { traceEvents: Event[] };
    const names = (kind: string) => traceEvents.filter(({ ph, name }) => ph === "M" && name === kind).map(({ args }) => args.name);
    expect(names("process_name")).toEqual(expect.arrayContaining(["etcd-0", "etcd-1", "etcd-2", "apiserver-0"]));
    expect(names("thread_name")).toEqual(expect.arrayContaining(["etcd/0", "faults"]));
    const starts = new Map(traceEvents.filter(({ ph }) => ph === "s").map((event) => [event.id, event]));
    const ends = traceEvents.filter(({ ph }) => ph === "f");
    const slices = traceEvents.filter(({ ph }) => ph === "X");
    const inSlice = ({ pid, tid, ts }: Event) =>
      slices.some((one) => one.pid === pid && one.tid === tid && one.ts <= ts && ts <= one.ts + one.dur);
    expect(ends.length).toBeGreaterThan(50);
    expect([...starts.keys()].sort((a, b) => a - b)).toEqual(ends.map(({ id }) => id).sort((a, b) => a - b));
    for (const end of ends.slice(0, 200)) {
      const start = starts.get(end.id)!;
      expect(start.ts).toBeLessThan(end.ts);
      expect(inSlice(start) && inSlice(end)).toBe(true);
    }
    expect(
      slices.some(
        ({ name, pid }) =>
          name === "isolate" && traceEvents.some((one) => one.ph === "M" && one.pid === pid && /^etcd-\d/.test(one.args.name)),
      ),
    ).toBe(true);
  });
});

describe("a message in a line", () => {
  it("leaves out what is empty, shows text as such and other bytes by their length, and ends where there is no more room", () => {
    const message = {
      kind: "etcd.put",
      key: Buffer.from("registers/1"),
      value: Buffer.from([1, 2, 3]),
      lease: 0,
      prevKv: false,
      list: [1, 2, 3, 4],
      in: { a: 1 },
    };
    expect(brief(message, 100)).toBe("key registers/1, value 3 B, lease 0, list [4], in {a 1}");
    expect(brief(message, 20)).toBe("key registers/1, va…");
  });
});

describe("the calls that a violation names", () => {
  it("are found whatever stands around them, each once", () => {
    expect(callsIn("client/r-0.1/1#17 read k and saw client/r-0.2/1#3, where it held client/r-0.1/1#17: wrong")).toEqual([
      "client/r-0.1/1#17",
      "client/r-0.2/1#3",
    ]);
  });
});
