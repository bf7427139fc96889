const { default: Sequencer } = require("@jest/test-sequencer");

/** What takes long, longest first: begun last, one of them would run alone while the other workers have nothing left to do. */
const long = [
  "live/kubectl-transcripts",
  "live/up",
  "scenarios/library-workloads",
  "scenarios/library-nodes",
  "etcd/gateway/check-perf",
  "scenarios/library-recoveries",
  "scenarios/library-control-plane",
  "cli/wavetank",
  "scenarios/rehearse/blames",
  "live/run-live",
  "etcd/gateway/etcdctl",
  "cli/mutants",
  "live/joined-faults",
];

module.exports = class extends Sequencer {
  sort(tests) {
    const rankOf = ({ path }) => {
      const rank = long.findIndex((name) => path.endsWith(`/test/${name}.test.ts`));
      return rank < 0 ? long.length : rank;
    };
    return [...super.sort(tests)].sort((a, b) => rankOf(a) - rankOf(b));
  }
};
