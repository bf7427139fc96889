import type { StorageSession } from "./storage-session";

const bytes = (text: string) => Buffer.from(text);
const pods = "/registry/pods/";
const podsEnd = "/registry/pods0";

const modRevisionIs = (key: string, revision: number) => ({ result: 0, target: 2, key: bytes(key), mod_revision: revision });
const get = (key: string) => ({ request_range: { key: bytes(key) } });

/** OptimisticPut of etcd's client for Kubernetes: creates with revision 0, updates with the one that was read. */
const optimisticPut = (key: string, value: string, expected: number, lease?: unknown) => ({
  compare: [modRevisionIs(key, expected)],
  success: [{ request_put: { key: bytes(key), value: bytes(value), ...(lease === undefined ? {} : { lease }) } }],
  ...(expected === 0 ? {} : { failure: [get(key)] }),
});
const optimisticDelete = (key: string, expected: number) => ({
  compare: [modRevisionIs(key, expected)],
  success: [{ request_delete_range: { key: bytes(key) } }],
  failure: [get(key)],
});
const list = (limit: number, more: { readonly from?: string; readonly revision?: number } = {}) => ({
  key: bytes(more.from ?? pods),
  range_end: bytes(podsEnd),
  limit,
  ...(more.revision === undefined ? {} : { revision: more.revision }),
});
/** compact.go: a counter's version decides who of the API servers compacts. */
const moveCounter = (version: number, value: string) => ({
  compare: [{ result: 0, target: 0, key: bytes("compact_rev_key"), version }],
  success: [{ request_put: { key: bytes("compact_rev_key"), value: bytes(value) } }],
  failure: [get("compact_rev_key")],
});

/** A day of an API server with its storage, on an etcd that is new. */
export async function tellStorageStory(session: StorageSession): Promise<void> {
  session.say(
    "It looks at each endpoint: the release decides whether watches may be asked for their progress. Then health, and who is there.",
  );
  await session.call("Maintenance", "Status", {});
  await session.call("KV", "Range", { key: bytes("/registry/health") });
  await session.call("KV", "Range", { key: bytes("health") });
  await session.call("Cluster", "MemberList", {});

  session.say("A first list of pods, of which there are none: its revision is where the watch begins.");
  const empty = await session.call("KV", "Range", list(10_000));
  const watches = session.openWatches();
  const create = { key: bytes(pods), range_end: bytes(podsEnd), progress_notify: true, prev_kv: true };
  watches.send({ create_request: { ...create, start_revision: Number(empty.header.revision) + 1 } });
  await watches.until(({ created }) => created);

  session.say("Create: only where there is none. The second one of that name is refused by its condition, without a read.");
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-0`, "web-0 v1", 0));
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-0`, "another", 0));
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-1`, "web-1 v1", 0));
  const third = await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-2`, "web-2 v1", 0));

  session.say("Read one, as it is and as it was.");
  await session.call("KV", "Range", { key: bytes(`${pods}shop/web-0`), limit: 1 });
  await session.call("KV", "Range", { key: bytes(`${pods}shop/web-9`), limit: 1 });

  session.say("Guaranteed update: with the revision that was read; who is late gets what is there now.");
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-0`, "web-0 v2", Number(third.header.revision) - 2));
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-0`, "web-0 late", Number(third.header.revision) - 2));

  session.say("List in pages: later pages at the revision of the first, whatever is written meanwhile; then a count.");
  const first = await session.call("KV", "Range", list(2));
  const at = Number(first.header.revision);
  await session.call("KV", "Txn", optimisticPut(`${pods}shop/web-3`, "web-3 v1", 0));
  await session.call("KV", "Range", list(2, { from: `${pods}shop/web-1\0`, revision: at }));
  await session.call("KV", "Range", { key: bytes(pods), range_end: bytes(podsEnd), count_only: true });

  session.say("Delete: with the revision that was read.");
  await session.call("KV", "Txn", optimisticDelete(`${pods}shop/web-1`, 1));
  await session.call("KV", "Txn", optimisticDelete(`${pods}shop/web-1`, Number(third.header.revision) - 1));

  session.say("Events hang on a lease that all of a minute share.");
  const lease = await session.call("Lease", "LeaseGrant", { TTL: 3_660 });
  const events = "/registry/events/shop/";
  await session.call("KV", "Txn", optimisticPut(`${events}web-0.1`, "Scheduled", 0, lease.ID));
  const event = await session.call("KV", "Txn", optimisticPut(`${events}web-0.2`, "Pulled", 0, lease.ID));

  session.say("The watch has had everything below the pods and nothing else, with what was there before.");
  await watches.until(({ events }) => events.some(({ type }: { readonly type: number }) => type === 1));

  session.say("Asked for its progress it says the newest revision, though that is an event's: caches are as fresh as the storage then.");
  watches.send({ progress_request: {} });
  await watches.until(({ header, events }) => events.length === 0 && Number(header.revision) === Number(event.header.revision));

  session.say(
    "Compaction: whoever moves the counter compacts at the revision of five minutes ago; another API server is late and learns the count.",
  );
  await session.call("KV", "Txn", moveCounter(0, "0"));
  await session.call("KV", "Txn", moveCounter(0, "0"));
  await session.call("KV", "Txn", moveCounter(1, String(at)));
  await session.call("KV", "Compact", { revision: at });
  await session.call("KV", "Compact", { revision: at + 1, physical: true });

  session.say("What is older is gone: a page's continue token expires, a watch is told where it may begin.");
  await session.call("KV", "Range", list(2, { from: `${pods}shop/web-1\0`, revision: at }));
  await session.call("KV", "Range", list(2, { revision: 1_000 }));
  watches.send({ create_request: { ...create, start_revision: 2 } });
  await watches.until(({ canceled }) => canceled);

  session.say("The lease ends, and with it its events.");
  await session.call("Lease", "LeaseTimeToLive", { ID: lease.ID, keys: true });
  await session.call("Lease", "LeaseRevoke", { ID: lease.ID });
  await session.call("KV", "Range", { key: bytes(events), range_end: bytes("/registry/events/shop0") });

  session.say("An object that is too large, and a transaction that names a key twice.");
  await session.call("KV", "Txn", {
    compare: [],
    success: [{ request_put: { key: bytes("a"), value: bytes("1") } }, { request_put: { key: bytes("a"), value: bytes("2") } }],
  });
  await session.call("KV", "Txn", optimisticPut("/registry/secrets/big", "x".repeat(1_600_000), 0));
  watches.close();
}
