import type { EtcdRequest, StatusResponse } from "../../protocol/etcd";
import type { Cancel } from "../../runtime/world";
import { durationSchema, type JsonSchema } from "../schema";
import type { Tank } from "../tank";
import { microseconds } from "./delay";
import { askEtcd, runningMembers } from "./etcd-members";
import { count, type Fault, type Ongoing } from "./fault";

const period: JsonSchema = { ...durationSchema, description: "the time from one to the next; 500ms where not given" };

/** Does something again and again until it ends. */
function again(tank: Tank, periodMs: number, once: () => void, said: () => string): Ongoing {
  let next: Cancel;
  const round = () => {
    once();
    next = tank.after(periodMs, round);
  };
  round();
  return {
    end() {
      next.cancel();
      return said();
    },
  };
}

export const compactionPressure: Fault = {
  name: "compaction-pressure",
  what: "Compacts etcd at its newest revision, again and again: whoever reads or watches from the past finds it gone and has to begin anew.",
  params: { period, defragment: { type: "boolean", description: "defragments the targets, too, during which they answer nothing" } },
  required: [],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ period: `${Math.round(100 + d * 4_900)}ms`, ...(d < 0.3 ? { defragment: true } : {}) }) },
  begin(tank, hosts, params) {
    let compacted = 0;
    const once = () => {
      askEtcd(tank, { kind: "etcd.status" }, 1_000, (status) => {
        if (status?.kind !== "etcd.status.response") return;
        askEtcd(tank, { kind: "etcd.compact", revision: (status as StatusResponse).header.revision }, 1, (answer) => {
          if (answer) compacted++;
        });
      });
      if (params.defragment !== true) return;
      const members = runningMembers(tank).filter((member) => hosts.includes(tank.hostOf(member) ?? ""));
      for (const member of members) tank.ask(member, { kind: "etcd.defragment" } as EtcdRequest, 30_000, () => undefined);
    };
    return again(tank, microseconds(params.period ?? "500ms") / 1000, once, () => count(compacted, "compaction", "of the newest revision"));
  },
};

/** Keys that no API server looks at. */
const prefix = "/wavetank/pressure/";

export const writePressure: Fault = {
  name: "write-pressure",
  what: "Writes `bytes` to etcd again and again beside what everybody else writes: its log grows, snapshots are taken, and followers that were away long enough need one to catch up. When it ends the keys are deleted.",
  params: {
    period,
    bytes: { type: "integer", minimum: 1, maximum: 1_000_000, description: "the size of each value; 10000 where not given" },
  },
  required: [],
  silences: false,
  swarm: { roles: ["etcd"], params: (d) => ({ period: `${Math.round(2 + d * 98)}ms`, bytes: Math.round(100 * 500 ** d) }) },
  begin(tank, _hosts, params) {
    const value = Buffer.alloc((params.bytes as number | undefined) ?? 10_000, "x");
    let written = 0;
    let tries = 0;
    const once = () => {
      const key = Buffer.from(`${prefix}${tries++ % 100}`);
      const put: EtcdRequest = { kind: "etcd.put", key, value, lease: 0, prevKv: false };
      askEtcd(tank, put, 1, (answer) => {
        if (answer) written++;
      });
    };
    const ongoing = again(tank, microseconds(params.period ?? "500ms") / 1000, once, () =>
      count(written, "write", `of ${value.length} bytes`),
    );
    return {
      end() {
        const rangeEnd = Buffer.from(`${prefix.slice(0, -1)}0`);
        askEtcd(tank, { kind: "etcd.delete", key: Buffer.from(prefix), rangeEnd, prevKv: false }, 60_000, () => undefined);
        return ongoing.end();
      },
    };
  },
};
