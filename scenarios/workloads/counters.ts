import type { Context } from "../../runtime/actor";
import { EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams } from "./etcd-processes";
import type { Workload } from "./workload";

interface CounterConfig extends EtcdProcessesConfig {
  readonly counters: number;
}

export const counters: Workload = {
  name: "counters",
  what: "Processes that read counters in etcd and put one more, in transactions that are guarded by what they read; every call and every answer is recorded.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "counters/" where not given' },
    counters: { type: "integer", minimum: 1, maximum: 100, description: "how many; 3 where not given" },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "counters",
    ...processesConfig(params, surroundings, "counters/"),
    counters: (params.counters as number | undefined) ?? 3,
  }),
  start: (config) => new CounterLoad(config as unknown as CounterConfig),
};

class CounterLoad extends EtcdProcesses {
  constructor(private readonly own: CounterConfig) {
    super(own);
  }

  protected act(process: number, ctx: Context<EtcdProcesses>): void {
    const [call, member] = [this.name(process, ctx), this.member(ctx)];
    const key = `${this.own.prefix}${ctx.randomInt("counter", this.own.counters)}`;
    const increments = this.changes(process, 0.7, ctx);
    this.tellCall(ctx, { call, workload: "counters", action: increments ? "increment" : "read", member, keys: [key], value: "" });
    this.read(ctx, member, [key], (read, later) => {
      if (read.type !== "done") return this.tellAnswer(later, process, call, read);
      const { revision, entries } = read.response;
      const [{ value, modRevision } = { value: null, modRevision: 0 }] = entries;
      if (!increments) return this.tellAnswer(later, process, call, { type: "done", response: { revision, seen: [value] } });
      this.write(
        later,
        this.member(later),
        new Map([[key, modRevision]]),
        new Map([[key, String(Number(value ?? 0) + 1)]]),
        (wrote, last) =>
          this.tellAnswer(
            last,
            process,
            call,
            wrote.type === "done" ? { type: "done", response: { revision: wrote.response.revision, seen: [value] } } : wrote,
          ),
      );
    });
  }
}
