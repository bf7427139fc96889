import type { Context } from "../../runtime/actor";
import { EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams } from "./etcd-processes";
import type { Workload } from "./workload";

interface BankConfig extends EtcdProcessesConfig {
  readonly accounts: number;
  readonly balance: number;
}

export const bank: Workload = {
  name: "bank",
  what: "Processes that transfer amounts between accounts in etcd, in transactions that are guarded by both balances, and read all accounts at once; every call and every answer is recorded.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "bank/" where not given' },
    accounts: { type: "integer", minimum: 2, maximum: 100, description: "how many; 6 where not given" },
    balance: { type: "integer", minimum: 1, maximum: 1_000_000, description: "what each begins with; 100 where not given" },
  },
  required: ["requestsPerSecond"],
  looksInTheEnd: true,
  service: () => undefined,
  configure: (params, surroundings) => ({
    type: "bank",
    ...processesConfig(params, surroundings, "bank/"),
    accounts: (params.accounts as number | undefined) ?? 6,
    balance: (params.balance as number | undefined) ?? 100,
  }),
  start: (config) => new BankLoad(config as unknown as BankConfig),
};

class BankLoad extends EtcdProcesses {
  constructor(private readonly own: BankConfig) {
    super(own);
  }

  protected act(process: number, ctx: Context<EtcdProcesses>): void {
    const { accounts, balance } = this.own;
    const [call, member] = [this.name(process, ctx), this.member(ctx)];
    const all = Array.from({ length: accounts }, (_, i) => `${this.own.prefix}${String(i).padStart(2, "0")}`);
    const from = ctx.randomInt("from", accounts);
    const to = (from + 1 + ctx.randomInt("to", accounts - 1)) % accounts;
    const transfers = this.changes(process, 0.7, ctx);
    const keys = transfers ? [all[from]!, all[to]!] : all;
    const amount = 1 + ctx.randomInt("amount", Math.max(1, Math.floor(balance / 4)));
    this.tellCall(ctx, {
      call,
      workload: "bank",
      action: transfers ? "transfer" : "read",
      member,
      keys,
      value: transfers ? String(amount) : "",
    });
    this.read(ctx, member, keys, (read, later) => {
      if (read.type !== "done") return this.tellAnswer(later, process, call, read);
      const { revision, entries } = read.response;
      // An account that nobody has touched has what it begins with.
      const balances = entries.map(({ value }) => Number(value ?? balance));
      const seen = balances.map(String);
      const done = (at: number) => ({ type: "done", response: { revision: at, seen } }) as const;
      if (!transfers) return this.tellAnswer(later, process, call, done(revision));
      if (balances[0]! < amount)
        return this.tellAnswer(later, process, call, { type: "refused", detail: "there is not enough in the account" });
      const puts = new Map([
        [keys[0]!, String(balances[0]! - amount)],
        [keys[1]!, String(balances[1]! + amount)],
      ]);
      const asRead = new Map(keys.map((key, i) => [key, entries[i]!.modRevision]));
      this.write(later, this.member(later), asRead, puts, (wrote, last) =>
        this.tellAnswer(last, process, call, wrote.type === "done" ? done(wrote.response.revision) : wrote),
      );
    });
  }
}
