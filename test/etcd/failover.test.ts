import { ReplicaSet } from "./replica-set";
import { put } from "./store/requests";

const electionTimeoutMs = 1_000;
const heartbeatIntervalMs = 100;
const runs = 60;

/** Kills the leader of a replica set at some moment between two heartbeats, and waits until another member has written something. */
function failover(seed: number): { readonly ms: number; readonly elections: number } {
  const set = new ReplicaSet({
    seed,
    settings: { "election-timeout": electionTimeoutMs, "heartbeat-interval": heartbeatIntervalMs },
  });
  const leader = set.leader();
  set.ask(leader, put("before", "1"));
  set.simulation.runFor(1_000 + (seed * heartbeatIntervalMs) / runs);
  const { term } = set.state(leader)!.node;
  const startedUs = set.simulation.now();
  set.crash(leader);
  const other = set.members.find((member) => member !== leader)!;
  // One that is passed to the dead leader fails, and holds up no other.
  const writes: ReturnType<typeof set.begin>[] = [];
  const written = () => writes.some(({ answer }) => answer?.ok === true && answer.body.kind === "etcd.put.response");
  while (!written() && writes.length < 1_000) {
    writes.push(set.begin(other, put("after", "1")));
    set.simulation.runFor(10);
  }
  expect(written()).toBe(true);
  return { ms: (set.simulation.now() - startedUs) / 1000, elections: set.state(set.leader())!.node.term - term };
}

test("after the leader's death another writes within one time-out as members draw them (Raft, section 5.2: one to two times the setting)", () => {
  const seen = Array.from({ length: runs }, (_, n) => failover(n + 1));
  const ms = seen.map((one) => one.ms).sort((a, b) => a - b);
  // Two draw a time-out, and the earlier counts: a third of the way from one to two settings on average, less what had passed since the last heartbeat.
  expect(ms[runs / 2]).toBeLessThan(1.5 * electionTimeoutMs);
  const inFirst = seen.filter(({ elections }) => elections === 1);
  expect(inFirst.length).toBeGreaterThanOrEqual(0.9 * runs);
  for (const one of inFirst) {
    expect(one.ms).toBeGreaterThan(electionTimeoutMs - 2 * heartbeatIntervalMs);
    expect(one.ms).toBeLessThan(2 * electionTimeoutMs + heartbeatIntervalMs);
  }
  // A split vote costs one more.
  expect(ms.at(-1)).toBeLessThan(4 * electionTimeoutMs);
});
