import { describeWith } from "../../real-programs";
import { EtcdDoors } from "./doors";
import { Etcdctl } from "./etcdctl";

// etcdctl puts for a minute, whatever its load is.
jest.setTimeout(300_000);

describeWith(["etcdctl"], "etcdctl check perf", () => {
  test("puts for a minute without an error, reports by its own measures, and leaves no keys behind; its status goes by its verdict", async () => {
    const doors = await EtcdDoors.open(3);
    const { ca, cert, key } = doors.clientFiles("etcdctl", doors.authority, "");
    const etcdctl = new Etcdctl({ ETCDCTL_ENDPOINTS: doors.endpoints[0]!, ETCDCTL_CACERT: ca, ETCDCTL_CERT: cert, ETCDCTL_KEY: key });
    const revision = async () => Number(/"Revision" : (\d+)/.exec((await etcdctl.run(["get", "x", "-w", "fields"])).stdout)![1]);
    try {
      const before = await revision();
      const { stdout, stderr, status } = await etcdctl.run(["check", "perf", "--load=s", "--auto-compact", "--auto-defrag"]);
      // Whether 150 puts a second get through in time is a matter of the machine; that they are judged, and none fails, is not.
      // Where a request or the spread of all took too long, etcdctl says so without the word FAIL.
      const report = (stdout + stderr).split(/[\n\r]/).filter((line) => /^(PASS|FAIL|Compact|Defrag|Slowest|Stddev)/.test(line));
      expect(report.map((line) => line.replaceAll(/PASS|FAIL/g, "VERDICT").replaceAll(/\d[\d.]*/g, "N"))).toEqual([
        "Compacting with revision N",
        "Compacted with revision N",
        'Defragmenting "ENDPOINT"',
        'Defragmented "ENDPOINT"',
        expect.stringMatching(/^VERDICT: Throughput (is N|too low: N) writes\/s$/),
        expect.stringMatching(/^(VERDICT: Slowest request took|Slowest request took too long:) Ns$/),
        expect.stringMatching(/^(VERDICT: Stddev is|Stddev too high:) Ns$/),
        "VERDICT",
      ]);
      expect(status).toBe(report.at(-1) === "PASS" ? 0 : 1);
      expect((await revision()) - before).toBeGreaterThan(150);
      expect((await etcdctl.run(["get", "/etcdctl-check-perf/", "--prefix", "--keys-only"])).stdout).toBe("");
      expect(doors.errors).toEqual([]);
    } finally {
      await doors.close();
    }
  });
});
