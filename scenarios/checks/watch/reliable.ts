import { watchCheck } from "./judge";

/** So long a change may take to reach a watcher at the end, when nothing is in the way any more. */
const graceUs = 10_000_000;

export const watchReliable = watchCheck(
  {
    name: "watch-reliable",
    claim: "A watch that told of some events has told of all before them, and in the end of everything.",
    source: "etcd documentation, Watch API guarantees: Reliable",
  },
  () => {
    let changes = 0;
    return {
      judge(response, watch, committed) {
        const last = response.events.at(-1)?.revision;
        if (last !== undefined && watch.told) {
          const told = new Set(response.events.map(({ revision, key }) => `${revision} ${key}`));
          for (const { revision, key } of committed.between(watch.prefix, watch.nextRevision, last)) {
            changes++;
            if (!told.has(`${revision} ${key}`))
              return `${response.watch} was told of revision ${last} and never of ${key} at revision ${revision}`;
          }
        }
        return undefined;
      },
      end(final, watches, committed) {
        for (const [name, watch] of watches.all()) {
          // Of a host that lost its power nobody hears: whether the client has noticed is not the server's doing.
          if (watch.firstRevision === 0 || watch.orphaned) continue;
          const missed = committed
            .between(watch.prefix, watch.nextRevision, Number.MAX_SAFE_INTEGER)
            .find(({ atUs }) => atUs < final.atUs - graceUs);
          if (missed)
            return { violation: `${name} was never told of ${missed.key} at revision ${missed.revision}`, detail: "", reached: changes };
        }
        return { detail: `${changes} changes, none left out`, reached: changes };
      },
    };
  },
);
