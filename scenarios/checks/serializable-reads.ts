import type { Check } from "./check";
import { KeyValues } from "./key-values";
import { known } from "./watch/told";

type Called = NonNullable<ReturnType<typeof known<"register.called">>>;

/** Serializable reads against the replay of the commit order. */
export const serializableReads: Check = {
  name: "serializable-reads",
  claim:
    "A serializable read may be old, but it is what the key held at the revision that it names, and no client goes back in time on one member.",
  source: "etcd documentation, KV API guarantees: serializable reads; Jepsen, etcd 3.4.3",
  params: {},
  required: [],
  acrossRestore: "never",
  begin() {
    const values = new KeyValues();
    /** By client and member: the newest revision that it was shown there. */
    const shown = new Map<string, number>();
    const open = new Map<string, { readonly called: Called; readonly stream: string; readonly notBefore: number }>();
    let newest = 1;
    let reads = 0;
    let old = 0;
    return {
      see(event) {
        values.see(event);
        if (event.type === "store") newest = event.revision;
        const called = known(event, "register.called");
        if (called?.serializable && event.type === "fact") {
          const stream = `${event.actor} ${called.member}`;
          open.set(called.call, { called, stream, notBefore: shown.get(stream) ?? 0 });
        }
        const returned = known(event, "register.returned");
        const read = returned && open.get(returned.call);
        if (!returned || !read) return undefined;
        open.delete(returned.call);
        if (returned.outcome !== "done") return undefined;
        reads++;
        const { revision, value, call } = returned;
        const [key] = read.called.keys;
        const at = `${call} read ${key} at revision ${revision} from ${read.called.member}`;
        if (revision > newest) return `${at}, and the newest is ${newest}`;
        if (revision < read.notBefore) return `${at}, which had shown it revision ${read.notBefore} before`;
        if (revision < newest) old++;
        shown.set(read.stream, Math.max(revision, shown.get(read.stream) ?? 0));
        const held = values.at(key!, revision);
        return held === value ? undefined : `${at} and saw ${value}, where it held ${held}`;
      },
      end: () => ({ detail: `${reads} serializable reads, ${old} of them old, each right at its revision`, reached: reads }),
    };
  },
};
