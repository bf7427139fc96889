import { etcdMember } from "../../actors/etcd/member";
import type { AnyActor } from "../../runtime/actor";
import { type CloseUp, type CloseUpLimits, CloseUpRecorder } from "../../scenarios/report/close-up";
import { viewOf } from "../../scenarios/report/simulated-view";
import { Run, type RunInput, type RunResult, runScenario } from "../../scenarios/run";
import { tinyActors, tinyCluster, tinyInput } from "./tiny";

/** etcd with a bug: every read is answered as a serializable one, by whichever member is asked, without a word to the leader. */
const forgetful: AnyActor = {
  ...etcdMember,
  receive(state, input, ctx) {
    const isRead = input.type === "request" && input.body.kind === "etcd.range";
    return etcdMember.receive(state, isRead ? ({ ...input, body: { ...input.body, serializable: true } } as never) : input, ctx);
  },
};

const text = `${tinyCluster.replace("within: 20s, stay: 5s", "within: 20s, stay: 1s")}title: "A <title> & more"
load: [{ workload: registers, requestsPerSecond: 60, keys: 2, processes: 6 }]
storm:
  - { at: 2s, fault: isolate, target: { role: etcd, is: follower }, for: 3s }
  - { at: 2s, fault: clock-jump, target: { hosts: [etcd-1] }, by: 5s, for: 3s }
stormFor: 6s
expect: [linearizability, raft-committed]
`;

/** A run whose clients see a cut-off member's old values. */
export function staleReads(): { readonly input: RunInput; readonly result: RunResult } {
  const input = tinyInput(text, 1, [forgetful, ...tinyActors.filter((actor) => actor !== etcdMember)]);
  return { input, result: runScenario(input) };
}

/** The run again, seen closely. */
export function seenClosely(
  input: RunInput,
  atUs: number,
  limits?: CloseUpLimits,
): { readonly closeUp: CloseUp; readonly traceHash: string } {
  const see: { recorder?: CloseUpRecorder } = {};
  const run = new Run({ ...input, onEvent: (event) => see.recorder?.see(event) });
  const recorder = new CloseUpRecorder(viewOf(run.simulation), atUs, limits);
  see.recorder = recorder;
  run.begin();
  while (run.nowUs < recorder.toUs && run.advance(100));
  const closeUp = recorder.closeUp();
  while (run.advance(60_000));
  return { closeUp, traceHash: run.result().traceHash };
}
