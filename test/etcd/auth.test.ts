import { authRefusal, covers } from "../../actors/etcd/auth/guard";
import { changeAuth } from "../../actors/etcd/auth/operations";
import { authRowOf } from "../../actors/etcd/auth/users";
import { keyRange, Store } from "../../actors/etcd/store/store";
import type { EtcdError, EtcdRequest, EtcdResponse, RangeRequest } from "../../protocol/etcd";
import type { AuthOperation, AuthResponse, Credential, Permission } from "../../protocol/etcd-auth";
import { ReplicaSet } from "./replica-set";
import { range as rangeOf } from "./store/requests";

const bytes = (text: string) => Buffer.from(text);
const range = (key: string, to = "", as?: Credential): RangeRequest => rangeOf(key, { to, ...(as ? { as } : {}) });
const put = (key: string, as?: Credential, lease = 0): EtcdRequest => ({
  kind: "etcd.put",
  key: bytes(key),
  value: bytes("v"),
  lease,
  prevKv: false,
  ...(as ? { as } : {}),
});
const is = (user: string, authRevision: number | null = null): Credential => ({ user, authRevision });
const permission = (type: Permission["type"], key: string, rangeEnd = ""): Permission => ({
  type,
  key: bytes(key),
  rangeEnd: bytes(rangeEnd),
});

/** Root, and ann, who may write what begins with "a" and read what begins with "b". */
const founding: readonly AuthOperation[] = [
  { type: "userAdd", user: "root", passwordHash: "h" },
  { type: "userGrantRole", user: "root", role: "root" },
  { type: "roleAdd", role: "team" },
  { type: "roleGrantPermission", role: "team", permission: permission("write", "a", "b") },
  { type: "roleGrantPermission", role: "team", permission: permission("read", "b", "c") },
  { type: "userAdd", user: "ann", passwordHash: "h" },
  { type: "userGrantRole", user: "ann", role: "team" },
];
const enable: AuthOperation = { type: "enable", tokenKey: new Uint8Array(32) };

function enabled(): Store {
  const store = new Store();
  for (const operation of [...founding, enable]) expect(changeAuth(store.auth, operation)).toBeNull();
  return store;
}
const messageOf = (refusal: EtcdError | null) => refusal?.message ?? "allowed";
const denied = "etcdserver: permission denied";

describe("etcd's auth store (auth/store.go)", () => {
  const said = (store: Store, operation: AuthOperation) => messageOf(changeAuth(store.auth, operation));

  test("auth is enabled only when root is there and has the role root", () => {
    const store = new Store();
    expect(said(store, enable)).toBe("etcdserver: root user does not exist");
    expect(said(store, founding[0]!)).toBe("allowed");
    expect(said(store, enable)).toBe("etcdserver: root user does not have root role");
    expect(said(store, founding[1]!)).toBe("allowed");
    expect(said(store, enable)).toBe("allowed");
    expect(store.auth.enabled).toBe(true);
  });

  test("what is refused is refused with etcd's words, and changes nothing", () => {
    const store = enabled();
    const before = JSON.stringify(authRowOf(store.auth));
    const cases: readonly (readonly [AuthOperation, string])[] = [
      [{ type: "userAdd", user: "", passwordHash: "h" }, "user name is empty"],
      [{ type: "userAdd", user: "ann", passwordHash: "h" }, "user name already exists"],
      [{ type: "userDelete", user: "bob" }, "user name not found"],
      [{ type: "userDelete", user: "root" }, "invalid auth management"],
      [{ type: "userChangePassword", user: "bob", passwordHash: "h" }, "user name not found"],
      [{ type: "userGrantRole", user: "ann", role: "none" }, "role name not found"],
      [{ type: "userRevokeRole", user: "ann", role: "none" }, "role is not granted to the user"],
      [{ type: "userRevokeRole", user: "root", role: "root" }, "invalid auth management"],
      [{ type: "roleAdd", role: "" }, "role name is empty"],
      [{ type: "roleAdd", role: "team" }, "role name already exists"],
      [{ type: "roleDelete", role: "none" }, "role name not found"],
      [{ type: "roleGrantPermission", role: "team", permission: null }, "permission not given"],
      [{ type: "roleGrantPermission", role: "team", permission: permission("read", "b", "a") }, "invalid auth management"],
      [{ type: "roleRevokePermission", role: "team", key: bytes("z"), rangeEnd: bytes("") }, "permission is not granted to the role"],
    ];
    for (const [operation, message] of cases)
      expect({ operation, said: said(store, operation) }).toEqual({ operation, said: `etcdserver: ${message}` });
    expect(JSON.stringify(authRowOf(store.auth))).toBe(before);
  });

  test("a deleted role is taken from those who had it; a permission on the same range is replaced", () => {
    const store = enabled();
    expect(said(store, { type: "roleGrantPermission", role: "team", permission: permission("readwrite", "a", "b") })).toBe("allowed");
    expect(store.auth.roles.get("team")!.map(({ type }) => type)).toEqual(["readwrite", "read"]);
    expect(said(store, { type: "roleDelete", role: "team" })).toBe("allowed");
    expect(store.auth.users.get("ann")!.roles).toEqual([]);
  });
});

describe("who may do what", () => {
  test("needs a name, a known user and a right on all of the keys; a range may be covered by several rights together", () => {
    const store = enabled();
    expect(messageOf(authRefusal(store, put("a1", is(""))))).toBe("etcdserver: user name is empty");
    expect(messageOf(authRefusal(store, put("a1", is("bob"))))).toBe(denied);
    expect(messageOf(authRefusal(store, put("a1", is("ann"))))).toBe("allowed");
    expect(messageOf(authRefusal(store, range("a1", "", is("ann"))))).toBe(denied);
    expect(messageOf(authRefusal(store, range("b", "c", is("ann"))))).toBe("allowed");
    expect(messageOf(authRefusal(store, range("b", "d", is("ann"))))).toBe(denied);
    expect(messageOf(authRefusal(store, range("z", "\0", is("root"))))).toBe("allowed");
    const granted = [keyRange(bytes("b"), bytes("d")), keyRange(bytes("d"), bytes("\0"))];
    expect(covers(granted, keyRange(bytes("c"), bytes("\0")))).toBe(true);
    expect(covers(granted.slice(0, 1), keyRange(bytes("c"), bytes("\0")))).toBe(false);
    expect(covers(granted, keyRange(bytes("a"), bytes("c")))).toBe(false);
  });

  test("what comes without a credential, from inside the cluster, is not asked, but never hears of secrets with one", () => {
    const store = enabled();
    expect(authRefusal(store, put("z"))).toBeNull();
    const secrets = (as?: Credential): EtcdRequest => ({
      kind: "etcd.auth.read",
      question: { type: "secrets", user: "root" },
      ...(as ? { as } : {}),
    });
    expect(authRefusal(store, secrets())).toBeNull();
    expect(messageOf(authRefusal(store, secrets(is("root"))))).toBe(denied);
    expect(messageOf(authRefusal(new Store(), secrets(is("root"))))).toBe(denied);
  });

  test("a transaction needs the rights of both branches, of its conditions and of those nested in it", () => {
    const store = enabled();
    const compare = (key: string) => [{ key: bytes(key), target: "mod", result: "equal", number: 0, value: bytes("") }] as const;
    const txn = (key: string, success: readonly EtcdRequest[], failure: readonly EtcdRequest[] = []) =>
      ({ kind: "etcd.txn", compare: compare(key), success, failure, as: is("ann") }) as EtcdRequest;
    expect(messageOf(authRefusal(store, txn("b", [put("a")])))).toBe("allowed");
    expect(messageOf(authRefusal(store, txn("c", [put("a")])))).toBe(denied);
    expect(messageOf(authRefusal(store, txn("b", [put("a")], [put("c")])))).toBe(denied);
    expect(messageOf(authRefusal(store, txn("b", [txn("b", [put("c")])])))).toBe(denied);
  });

  test("a key is put on no lease, and no lease is revoked, that holds keys which the user may not write", () => {
    const store = enabled();
    store.leases.grant(7, 60);
    expect(messageOf(authRefusal(store, put("a", is("ann"), 7)))).toBe("allowed");
    store.leases.move("z", 0, 7);
    expect(messageOf(authRefusal(store, put("a", is("ann"), 7)))).toBe(denied);
    expect(messageOf(authRefusal(store, { kind: "etcd.lease.revoke", id: 7, as: is("ann") }))).toBe(denied);
    expect(messageOf(authRefusal(store, { kind: "etcd.lease.timeToLive", id: 7, keys: true, as: is("ann") }))).toBe(denied);
    expect(messageOf(authRefusal(store, { kind: "etcd.lease.revoke", id: 7, as: is("root") }))).toBe("allowed");
  });

  test("a token of an older auth revision is refused; who shows a certificate is judged by what holds now", () => {
    const store = enabled();
    const { revision } = store.auth;
    expect(messageOf(authRefusal(store, put("a", is("ann", revision))))).toBe("allowed");
    changeAuth(store.auth, { type: "userChangePassword", user: "ann", passwordHash: "other" });
    expect(messageOf(authRefusal(store, put("a", is("ann", revision))))).toBe("etcdserver: revision of auth store is old");
    expect(messageOf(authRefusal(store, put("a", is("ann"))))).toBe("allowed");
  });

  test("users, backups, hashes and defragmenting are root's; anybody may look at himself and his roles", () => {
    const store = enabled();
    const mine: readonly EtcdRequest[] = [
      { kind: "etcd.auth.read", question: { type: "user", user: "ann" } },
      { kind: "etcd.auth.read", question: { type: "role", role: "team" } },
      { kind: "etcd.status" },
    ];
    const roots: readonly EtcdRequest[] = [
      { kind: "etcd.auth", operation: { type: "disable" } },
      { kind: "etcd.auth.read", question: { type: "user", user: "root" } },
      { kind: "etcd.auth.read", question: { type: "users" } },
      { kind: "etcd.hashKv", revision: 0 },
      { kind: "etcd.defragment" },
      { kind: "etcd.member.remove", member: "etcd/0" },
    ];
    for (const request of mine) expect(messageOf(authRefusal(store, { ...request, as: is("ann") }))).toBe("allowed");
    for (const request of roots) {
      expect(messageOf(authRefusal(store, { ...request, as: is("ann") }))).toBe(denied);
      expect(messageOf(authRefusal(store, { ...request, as: is("root") }))).toBe("allowed");
    }
    expect(messageOf(authRefusal(store, { kind: "etcd.backup", as: is("ann") }))).toBe(denied);
  });
});

describe("auth in a replica set", () => {
  const auth = (operation: AuthOperation, as?: Credential): EtcdRequest => ({ kind: "etcd.auth", operation, ...(as ? { as } : {}) });
  const rows = (set: ReplicaSet) => set.members.map((member) => JSON.stringify(authRowOf(set.state(member)!.store.auth)));

  function guarded(seed: number): ReplicaSet {
    const set = new ReplicaSet({ seed, settings: { "snapshot-count": 10, "snapshot-catchup-entries": 2 } });
    for (const operation of [...founding, enable]) expect(set.ask(set.leader(), auth(operation)).kind).toBe("etcd.auth.response");
    return set;
  }

  test("each member enforces it, on requests that it forwards too, and refuses a write in the log itself", () => {
    const set = guarded(3);
    for (const member of set.members) {
      const said = (request: EtcdRequest) => {
        const answer = set.ask<EtcdResponse>(member, request);
        return answer.kind === "etcd.error" ? answer.message : answer.kind;
      };
      expect(said(put("a", is("ann")))).toBe("etcd.put.response");
      expect(said(put("c", is("ann")))).toBe(denied);
      expect(said(range("b", "c", is("ann")))).toBe("etcd.range.response");
      expect(said({ ...range("a", "", is("ann")), serializable: true })).toBe(denied);
      expect(said(range("a", "", is("")))).toBe("etcdserver: user name is empty");
      expect(said(auth({ type: "roleAdd", role: "mine" }, is("ann")))).toBe(denied);
    }
    expect(set.state(set.leader())!.store.get("c")).toBeUndefined();
    const seen = set.watch(set.members[0]!, {
      kind: "etcd.watch",
      key: bytes("a"),
      rangeEnd: bytes(""),
      startRevision: 0,
      prevKv: false,
      progressNotify: false,
      as: is("ann"),
    });
    set.until(() => seen.closed !== null, "the watch was not refused");
    expect(seen.closed).toMatchObject({ type: "closed", reason: "refused", detail: denied });
  });

  test.each([11, 12, 13])("members agree on users and roles after crashes, snapshots and a partition (seed %i)", (seed) => {
    const set = guarded(seed);
    const away = set.followers()[0]!;
    set.cut(away);
    const others = set.members.filter((member) => member !== away);
    const at = () => others.find((member) => set.state(member)?.node.role.name === "leader") ?? others[0]!;
    for (let i = 0; i < 25; i++) {
      const operations: readonly AuthOperation[] = [
        { type: "userAdd", user: `u${i}`, passwordHash: `h${i}` },
        { type: "userGrantRole", user: `u${i}`, role: "team" },
        { type: "roleGrantPermission", role: "team", permission: permission("readwrite", `k${i}`) },
      ];
      for (const operation of operations) set.ask(at(), auth(operation));
    }
    set.heal();
    set.until(() => new Set(rows(set)).size === 1, "the one that was away does not catch up");
    for (const member of set.members) set.crash(member);
    for (const member of set.members) set.restart(member);
    set.leader();
    const { authRevision, users } = set.ask<AuthResponse>(set.leader(), {
      kind: "etcd.auth.read",
      question: { type: "users" },
      as: is("root"),
    });
    expect({ authRevision, users: users.length }).toEqual({ authRevision: 1 + founding.length + 75, users: 27 });
    set.until(() => new Set(rows(set)).size === 1, "members disagree");
    expect(set.crashes).toEqual([]);
  });

  test("what a user may do ends with the revocation, whichever member is asked next", () => {
    const set = guarded(5);
    set.ask(set.leader(), auth({ type: "userRevokeRole", user: "ann", role: "team" }, is("root")));
    for (const member of set.members) expect(set.ask<EtcdError>(member, range("b", "", is("ann"))).message).toBe(denied);
  });
});
