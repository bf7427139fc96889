import type { Context } from "../../runtime/actor";
import { EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams } from "./etcd-processes";
import type { Workload } from "./workload";

interface ListConfig extends EtcdProcessesConfig {
  readonly lists: number;
}

export const lists: Workload = {
  name: "lists",
  what: "Processes that append unique elements to some of a few lists in etcd and read others with them, in transactions that are guarded by what they read; every call and every answer is recorded.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "lists/" where not given' },
    lists: { type: "integer", minimum: 1, maximum: 100, description: "how many; 5 where not given" },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "lists",
    ...processesConfig(params, surroundings, "lists/"),
    lists: (params.lists as number | undefined) ?? 5,
  }),
  start: (config) => new ListLoad(config as unknown as ListConfig),
};

class ListLoad extends EtcdProcesses {
  private appended = 0;

  constructor(private readonly own: ListConfig) {
    super(own);
  }

  protected act(process: number, ctx: Context<EtcdProcesses>): void {
    const [call, member] = [this.name(process, ctx), this.member(ctx)];
    const keys = this.draw(ctx);
    const appends = this.changes(process, 0.7, ctx);
    const element = `${ctx.incarnation}.${++this.appended}`;
    this.tellCall(ctx, { call, workload: "lists", action: appends ? "append" : "read", member, keys, value: appends ? element : "" });
    this.read(ctx, member, keys, (read, later) => {
      if (read.type !== "done") return this.tellAnswer(later, process, call, read);
      const { revision, entries } = read.response;
      const seen = entries.map(({ value }) => value);
      if (!appends) return this.tellAnswer(later, process, call, { type: "done", response: { revision, seen } });
      // The first key is appended to, and sometimes all of them: the others are only read, and guard the transaction all the same.
      const longer = later.random("all") < 0.5 ? keys : keys.slice(0, 1);
      const puts = new Map(longer.map((key, i) => [key, seen[i] ? `${seen[i]} ${element}` : element]));
      const asRead = new Map(keys.map((key, i) => [key, entries[i]!.modRevision]));
      this.write(later, this.member(later), asRead, puts, (wrote, last) =>
        this.tellAnswer(
          last,
          process,
          call,
          wrote.type === "done" ? { type: "done", response: { revision: wrote.response.revision, seen } } : wrote,
        ),
      );
    });
  }

  /** One to three lists, also where there are only two: what goes wrong between lists needs transactions over several. */
  private draw(ctx: Context<EtcdProcesses>): readonly string[] {
    const count = Math.min(1 + ctx.randomInt("how many", 3), this.own.lists);
    const first = ctx.randomInt("list", this.own.lists);
    return Array.from({ length: count }, (_, i) => `${this.own.prefix}${(first + i) % this.own.lists}`);
  }
}
