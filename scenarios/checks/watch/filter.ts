import { watchCheck } from "./judge";

export const watchFilter = watchCheck(
  {
    name: "watch-filter",
    claim: "A watch tells only of the keys that it was opened for, and of nothing before the revision at which it begins.",
    source: "etcd documentation, Watch API: key, range_end, start_revision",
  },
  () => {
    let events = 0;
    return {
      judge(response, watch) {
        for (const { key, revision } of response.events) {
          events++;
          if (!key.startsWith(watch.prefix)) return `${response.watch} watches ${watch.prefix} and was told of ${key}`;
          if (revision < watch.firstRevision)
            return `${response.watch} begins at revision ${watch.firstRevision} and was told of ${key} at ${revision}`;
        }
        return undefined;
      },
      end: () => ({ detail: `${events} events, all asked for`, reached: events }),
    };
  },
);
