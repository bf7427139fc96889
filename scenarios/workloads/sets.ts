import type { RangeResponse } from "../../protocol/etcd";
import type { Context } from "../../runtime/actor";
import { EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams, putOf, rangeOf, text } from "./etcd-processes";
import type { Workload } from "./workload";

export const sets: Workload = {
  name: "sets",
  what: "Processes that add unique elements to a set in etcd, a key for each, and read all of it; every call and every answer is recorded.",
  params: { ...processParams, prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "sets/" where not given' } },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure: (params, surroundings) => ({ type: "sets", ...processesConfig(params, surroundings, "sets/") }),
  start: (config) => new SetLoad(config as unknown as EtcdProcessesConfig),
};

class SetLoad extends EtcdProcesses {
  private added = 0;

  protected act(process: number, ctx: Context<EtcdProcesses>): void {
    const { prefix } = this.config;
    const [call, member] = [this.name(process, ctx), this.member(ctx)];
    const common = { call, workload: "sets", member, keys: [prefix] } as const;
    if (this.changes(process, 0.8, ctx)) {
      const element = `${ctx.incarnation}-${String(++this.added).padStart(6, "0")}`;
      this.tellCall(ctx, { ...common, action: "add", value: element });
      this.ask(ctx, member, putOf(`${prefix}${element}`, "x"), true, (outcome, later) =>
        this.tellAnswer(later, process, call, outcome.type === "done" ? { type: "done", response: { revision: 0, seen: [] } } : outcome),
      );
      return;
    }
    this.tellCall(ctx, { ...common, action: "read", value: "" });
    this.ask<RangeResponse>(ctx, member, rangeOf(prefix, true), false, (outcome, later) => {
      if (outcome.type !== "done") return this.tellAnswer(later, process, call, outcome);
      const seen = outcome.response.kvs.map(({ key }) => text(key).slice(prefix.length));
      this.tellAnswer(later, process, call, { type: "done", response: { revision: outcome.response.header.revision, seen } });
    });
  }
}
