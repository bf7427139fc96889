import type { EtcdRequest, EtcdResponse, TxnOperation, TxnRequest } from "../../protocol/etcd";
import type { Context } from "../../runtime/actor";
import { bytes, EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams, putOf, rangeOf } from "./etcd-processes";
import type { Workload } from "./workload";

export const maintenance: Workload = {
  name: "maintenance",
  what: "What operators and old clients do to etcd: compact at old revisions and at the newest, defragment members, move the leadership, and write in transactions, also nested ones, that read the past and may find it compacted.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "maintenance/" where not given' },
    keys: { type: "integer", minimum: 1, maximum: 1000, description: "how many keys; 4 where not given" },
  },
  required: ["requestsPerSecond"],
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "maintenance",
    ...processesConfig(params, surroundings, "maintenance/"),
    keys: (params.keys as number | undefined) ?? 4,
  }),
  start: (config) => new MaintenanceLoad(config as unknown as MaintenanceConfig),
};

interface MaintenanceConfig extends EtcdProcessesConfig {
  readonly keys: number;
}

type Ctx = Context<EtcdProcesses>;

const activities = ["compact", "defragment", "moveLeader", "hash", "write", "delete", "nested", "past", "past"] as const;

class MaintenanceLoad extends EtcdProcesses {
  /** The newest revision that any answer told of. */
  private revision = 1;
  private rounds = 0;

  constructor(private readonly own: MaintenanceConfig) {
    super(own);
  }

  protected act(process: number, ctx: Ctx): void {
    const activity = activities[ctx.randomInt("activity", activities.length)]!;
    const round = ++this.rounds;
    this.ask<EtcdResponse>(ctx, this.member(ctx), this.requestOf(activity, process, ctx), true, (outcome, later) => {
      if (outcome.type === "done")
        this.revision = Math.max(this.revision, "header" in outcome.response ? outcome.response.header.revision : 0);
      const detail = outcome.type === "done" ? "" : outcome.detail;
      later.record({ kind: "churn.done", activity, round, ok: outcome.type === "done", detail });
      if (this.working) this.pause(process, later);
    });
  }

  private requestOf(activity: (typeof activities)[number], process: number, ctx: Ctx): EtcdRequest {
    const put = () => putOf(this.key(ctx), this.name(process, ctx));
    const txn = (...success: readonly TxnOperation[]): TxnRequest => ({ kind: "etcd.txn", compare: [], success, failure: [] });
    const none = new Uint8Array(0);
    switch (activity) {
      case "compact":
        return { kind: "etcd.compact", revision: this.past(ctx) };
      case "defragment":
        return { kind: "etcd.defragment" };
      case "moveLeader":
        return { kind: "etcd.moveLeader", to: this.member(ctx) };
      case "hash":
        return { kind: "etcd.hashKv", revision: 0 };
      case "write":
        return put();
      case "delete":
        return { kind: "etcd.delete", key: bytes(this.key(ctx)), rangeEnd: none, prevKv: true };
      case "nested": {
        const inner: TxnRequest = {
          kind: "etcd.txn",
          compare: [{ key: bytes(this.key(ctx)), target: "version", result: "greater", number: ctx.randomInt("version", 4), value: none }],
          success: [put()],
          failure: [{ kind: "etcd.delete", key: bytes(this.key(ctx)), rangeEnd: none, prevKv: false }],
        };
        return txn(inner, rangeOf(this.own.prefix, true));
      }
      case "past":
        // Where that revision is compacted the whole transaction is refused, by every member that applies it.
        return txn({ ...rangeOf(this.key(ctx)), revision: this.past(ctx) }, put());
    }
  }

  private key(ctx: Ctx): string {
    return `${this.own.prefix}${ctx.randomInt("key", this.own.keys)}`;
  }

  /** A revision: the newest that is known of, or one of the last few, or of the last hundred. */
  private past(ctx: Ctx): number {
    const d = ctx.random("how long ago");
    const back = d < 0.35 ? 0 : ctx.randomInt("revisions ago", d < 0.75 ? 8 : 100);
    return Math.max(1, this.revision - back);
  }
}
