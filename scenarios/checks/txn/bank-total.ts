import type { Check } from "../check";
import { Calls } from "./calls";

/** Money is neither made nor lost. */
export const bankTotal: Check = {
  name: "bank-total",
  claim:
    "Every read of all accounts comes to the same total, no balance is below zero, and of each transfer both halves are committed at once or none.",
  source: "Jepsen, bank; etcd documentation, KV API guarantees (atomicity, isolation)",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const calls = new Calls("bank");
    const accounts = new Set<string>();
    let total: number | undefined;
    let reads = 0;
    /** The balances as committed, and those of the revision that is being told. */
    const committed = new Map<string, number>();
    let revision = 0;
    let moved = 0;
    let known = true;
    let transfers = 0;
    /** What each account begins with, known from the first read of all. */
    let initial: number | undefined;
    const whole = (): string | undefined => {
      const wrong = known && moved !== 0 ? `revision ${revision} changed the total of all accounts by ${moved}` : undefined;
      [moved, known] = [0, true];
      return wrong;
    };
    return {
      see(event) {
        let wrong: string | undefined;
        if (event.type === "store" && event.value !== undefined && accounts.has(event.key)) {
          if (event.revision !== revision) wrong = whole();
          revision = event.revision;
          const before = committed.get(event.key) ?? initial;
          const now = Number(event.value ?? 0);
          committed.set(event.key, now);
          // Before anybody has said what an account begins with, there is nothing to compare with.
          if (before === undefined) known = false;
          else moved += now - before;
        }
        if (wrong !== undefined) return wrong;
        const begun = calls.begun(event);
        if (begun) for (const key of begun.keys) accounts.add(key);
        const answered = calls.answered(event);
        if (answered?.returned.outcome !== "done") return undefined;
        const { called, returned } = answered;
        if (called.action === "transfer") transfers++;
        const balances = returned.seen.map(Number);
        if (balances.some((balance) => balance < 0)) return `${called.call} read a balance below zero: ${balances.join(", ")}`;
        if (called.action !== "read") return undefined;
        reads++;
        const sum = balances.reduce((all, balance) => all + balance, 0);
        total ??= sum;
        initial ??= total / balances.length;
        return sum === total
          ? undefined
          : `${called.call} read accounts that come to ${sum} at revision ${returned.revision}, and the total is ${total}`;
      },
      end() {
        const violation = whole();
        return {
          ...(violation === undefined ? {} : { violation }),
          detail: `${transfers} transfers, ${reads} reads of the same total`,
          reached: reads,
        };
      },
    };
  },
};
