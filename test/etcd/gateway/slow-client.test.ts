import type { Outgoing } from "../../../actors/etcd/gateway/door-call";
import { MemberLink } from "../../../actors/etcd/gateway/member-link";
import type { EtcdPort } from "../../../actors/etcd/gateway/port";
import { messageType } from "../../../actors/etcd/gateway/rpc";
import { type WatchFields, WatchSession } from "../../../actors/etcd/gateway/watch-session";
import type { WatchRequest, WatchResponse } from "../../../protocol/etcd";
import type { StreamInput } from "../../../runtime/actor";

const watchResponse = messageType("etcdserverpb.WatchResponse");
const nothing = new Uint8Array(0);
const header = { member: "etcd/0", revision: 10, term: 1 };

/** One Watch call between a member and a client that are both played by the test. */
class Played {
  /** Streams opened to the member: where from, and what it says on them. */
  readonly opened: { readonly request: WatchRequest; say(input: StreamInput<WatchResponse>): void; closed: boolean }[] = [];
  /** What the client was sent, and has yet to take. */
  readonly sent: { readonly message: { readonly events?: readonly unknown[]; readonly created?: boolean }; taken(): void }[] = [];
  readonly failures: object[] = [];
  readonly session: WatchSession;

  constructor(unsentBytesMax: number) {
    const port: EtcdPort = {
      get: async () => ({ ok: false, error: "unreachable", detail: "nobody" }),
      ask: () => Promise.resolve({ ok: false, error: "unreachable", detail: "" }),
      open: (request, then) => {
        const stream = { request: request as WatchRequest, say: then as (input: StreamInput<WatchResponse>) => void, closed: false };
        this.opened.push(stream);
        return { push: () => {}, close: () => void (stream.closed = true) };
      },
    };
    const link = new MemberLink({
      port,
      member: "etcd/0",
      clientUrlsOf: () => [],
      cluster: "test",
      requestTimeoutMs: 1000,
      maxRequestBytes: 1_000_000,
      tokenTtlMs: 1000,
      onError: () => {},
    });
    const call = {
      cancelled: false,
      write: ({ message, left }: Outgoing) =>
        void this.sent.push({ message: Buffer.isBuffer(message) ? watchResponse.decode(message) : message, taken: left }),
      emit: (_event: string, failure: object) => this.failures.push(failure),
    };
    this.session = new WatchSession(link, call as never, { user: "", authRevision: null }, unsentBytesMax);
    const create_request = {
      key: Buffer.from("a"),
      range_end: nothing,
      start_revision: 3,
      progress_notify: false,
      filters: [],
      prev_kv: false,
      watch_id: 0,
      fragment: false,
    };
    this.session.take({ request_union: "create_request", create_request } as unknown as WatchFields);
    this.say({ created: true });
  }

  get newest() {
    return this.opened.at(-1)!;
  }

  say(response: Partial<WatchResponse>, stream = this.newest): void {
    const body: WatchResponse = { kind: "etcd.watch.response", header, created: false, compactRevision: 0, events: [], ...response };
    stream.say({ type: "item", body });
  }

  /** A put of that many bytes at a revision. */
  put(modRevision: number, bytes: number, stream = this.newest): void {
    const kv = { key: Buffer.from("a"), value: Buffer.alloc(bytes), createRevision: 2, modRevision, version: 1, lease: 0 };
    this.say({ events: [{ type: "put", kv, prevKv: null }] }, stream);
  }

  take(): void {
    for (const { taken } of this.sent.splice(0)) taken();
  }
}

describe("a client that is slow to take what it watches (etcd: slow watchers lose nothing)", () => {
  test("stops the member from sending more, and goes on from the next revision when it has caught up", () => {
    const played = new Played(1_000);
    expect(played.newest.request.startRevision).toBe(3);
    const first = played.newest;
    played.put(4, 500);
    expect(first.closed).toBe(false);
    played.put(5, 600);
    expect(first.closed).toBe(true);
    // What was already on its way is said again by the stream that takes its place.
    played.put(6, 600, first);
    expect(played.sent.map(({ message }) => message.events?.length ?? 0)).toEqual([0, 1, 1]);
    expect(played.opened).toHaveLength(1);
    played.take();
    expect(played.opened).toHaveLength(2);
    expect(played.newest.request.startRevision).toBe(6);
    played.say({ created: true });
    played.put(6, 100);
    // It was created once.
    expect(played.sent.map(({ message }) => [message.created ?? false, message.events?.length ?? 0])).toEqual([[false, 1]]);
  });

  test("a stream that the member ended because it was too slow is opened again where it was", () => {
    const played = new Played(1_000);
    played.put(4, 10);
    played.newest.say({ type: "closed", reason: "slow", detail: "" });
    expect(played.opened.map(({ request }) => request.startRevision)).toEqual([3, 5]);
    expect(played.failures).toEqual([]);
  });

  test("any other end of the member's stream ends the call as Unavailable, so that the client turns to another member", () => {
    const played = new Played(1_000);
    played.newest.say({ type: "closed", reason: "crashed", detail: "" });
    expect(played.failures).toEqual([{ code: 14, details: "etcdserver: server stopped" }]);
    const leaderless = new Played(1_000);
    leaderless.newest.say({ type: "closed", reason: "refused", detail: "etcdserver: no leader" });
    expect(leaderless.failures).toEqual([{ code: 14, details: "etcdserver: no leader" }]);
  });
});
