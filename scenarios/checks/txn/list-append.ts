import type { Check } from "../check";
import { type Answered, Calls } from "./calls";
import { type Transaction, wrongWithLists } from "./list-graph";

/** So many transactions are looked at; a list that is longer than this proves no more. */
const transactionsMax = 5_000;

/** Transactions over lists are as if they had been done one after the other. */
export const listAppend: Check = {
  name: "list-append",
  claim:
    "Whatever was read of a list is the beginning of what it came to be, each acknowledged element is in it once and no refused one at all, and there is an order of all transactions that explains every read and respects real time.",
  source: "Elle (VLDB 2020), list-append; etcd documentation, KV API guarantees (strict serializability)",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const calls = new Calls("lists");
    const transactions: Transaction[] = [];
    const refused = new Set<string>();
    const final = new Map<string, string>();
    const keys = new Set<string>();
    return {
      see(event) {
        if (event.type === "store" && event.value != null && keys.has(event.key)) final.set(event.key, event.value);
        for (const key of calls.begun(event)?.keys ?? []) keys.add(key);
        const answered = calls.answered(event);
        if (!answered) return undefined;
        if (answered.returned.outcome === "refused") refused.add(answered.called.value);
        else if (transactions.length < transactionsMax) transactions.push(transactionOf(answered));
        return undefined;
      },
      end() {
        const open = [...calls.open.values()].map(
          ({ called, at }): Transaction => ({ ...unread, call: called.call, appended: called.value, calledAt: at }),
        );
        const lists = new Map([...final].map(([key, value]) => [key, value.split(" ")]));
        const done = transactions.filter(({ acknowledged }) => acknowledged).length;
        const { text: violation, cycle } = wrongWithLists([...transactions, ...open], lists, refused) ?? {};
        const detail = `${done} transactions on ${lists.size} lists fit into one order`;
        return { ...(violation === undefined ? {} : { violation }), ...(cycle ? { cycle } : {}), detail, reached: done };
      },
    };
  },
};

const unread = { acknowledged: false, reads: [], returnedAt: Number.POSITIVE_INFINITY } as const;

function transactionOf({ called, returned, calledAt, returnedAt }: Answered): Transaction {
  const { call, value: appended } = called;
  // Of one whose outcome is unknown nothing was read that counts, and it may be done at any time.
  if (returned.outcome !== "done") return { ...unread, call, appended, calledAt };
  const reads = called.keys.map((key, i) => ({ key, elements: returned.seen[i] ? returned.seen[i]!.split(" ") : [] }));
  return { call, acknowledged: true, appended, reads, calledAt, returnedAt };
}
