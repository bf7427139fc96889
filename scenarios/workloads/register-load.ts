import type { Address } from "../../protocol/address";
import type { EtcdRequest, EtcdResponse, RangeRequest } from "../../protocol/etcd";
import type { KnownFact } from "../../protocol/facts";
import type { Answer, Context } from "../../runtime/actor";
import { ChosenMember } from "./chosen-member";
import { TimedClient } from "./timed-client";

export interface RegisterConfig {
  readonly type: "registers";
  /** Keys are `prefix` and a number. */
  readonly prefix: string;
  readonly keys: number;
  readonly members: readonly Address[];
  /** How many requests are under way at most, each from a process that waits for its answer. */
  readonly processes: number;
  readonly requestsPerSecond: number;
  readonly timeoutMs: number;
  /** Every so often everything but the newest revisions is compacted; 0 for never. */
  readonly compactEveryMs: number;
}

type Called = Extract<KnownFact, { readonly kind: "register.called" }>;
type Returned = Extract<KnownFact, { readonly kind: "register.returned" }>;
type Ctx = Context<RegisterLoad>;

interface Look {
  readonly key: string;
  readonly serializable: boolean;
}

const none = new Uint8Array(0);
const sendTimer = "send ";
const compactTimer = "compact";
/** So many revisions stay readable. */
const keptRevisions = 50;

/**
 * Processes that put, read, delete and swap a few keys of etcd, each asking whichever member chance names. Every value written is unique, every call and
 * every answer leaves a fact, and a request whose outcome is unknown is never sent again. Some reads are serializable; some puts write two keys in one
 * transaction. In the end each key is read once more.
 */
export class RegisterLoad extends TimedClient {
  private calls = 0;
  private newestRevision = 1;
  /** What was last seen of each key, for swaps: by chance often right. */
  private readonly lastSeen = new Map<string, string | null>();
  /** What is still to be read in the end: each key, and one of them serializable. */
  private owed: readonly Look[] = [];
  private readonly chosen: ChosenMember;

  constructor(private readonly config: RegisterConfig) {
    super();
    this.chosen = new ChosenMember(config.members);
  }

  protected onTimer(name: string, ctx: Ctx): void {
    if (name === compactTimer) this.compact(ctx);
    else this.call(Number(name.slice(sendTimer.length)), ctx);
  }

  protected begin(ctx: Ctx): void {
    for (let process = 0; process < this.config.processes; process++) this.pause(process, ctx);
    if (this.config.compactEveryMs > 0) ctx.setTimer(compactTimer, this.config.compactEveryMs);
  }

  /** On average the processes together come to the wanted rate, as long as answers are quick. */
  private pause(process: number, ctx: Ctx): void {
    const meanMs = (1000 * this.config.processes) / this.config.requestsPerSecond;
    ctx.setTimer(`${sendTimer}${process}`, meanMs * (0.5 + ctx.random("pause")));
  }

  protected override lookOnceMore(): void {
    const consistent = Array.from({ length: this.config.keys }, (_, i) => ({ key: `${this.config.prefix}${i}`, serializable: false }));
    this.owed = [{ ...consistent[0]!, serializable: true }, ...consistent];
  }

  protected override owes(): boolean {
    return this.owed.length > 0;
  }

  private call(process: number, ctx: Ctx): void {
    const { timeoutMs } = this.config;
    const member = this.chosen.choose(this.isAwaited, (count) => ctx.randomInt("member", count));
    const look = this.owed[process % Math.max(1, this.owed.length)];
    const drawn = this.draw(process, member, ctx);
    const called: Called = look
      ? { ...drawn, request: "get", keys: [look.key], value: null, expected: null, serializable: look.serializable }
      : drawn;
    ctx.record(called);
    ctx.ask<EtcdResponse>(member, requestOf(called), { deadlineMs: timeoutMs }, (state, answer, later) => {
      const returned = outcomeOf(called, answer);
      state.chosen.learn(member, returned.outcome === "done");
      state.learn(called, returned);
      later.record(returned);
      if (look && returned.outcome === "done") state.owed = state.owed.filter((owed) => owed !== look);
      state.tellLookers(later);
      if (state.working) state.pause(process, later);
      return undefined;
    });
  }

  private draw(process: number, member: string, ctx: Ctx): Called {
    const key = `${this.config.prefix}${ctx.randomInt("key", this.config.keys)}`;
    const call = `${ctx.self}.${process}/${ctx.incarnation}#${++this.calls}`;
    const common = { kind: "register.called" as const, call, member, keys: [key], value: null, expected: null, serializable: false };
    const d = ctx.random("request");
    if (d < 0.25) return { ...common, request: "get" };
    if (d < 0.45) return { ...common, request: "get", serializable: true };
    if (d < 0.65) return { ...common, request: "put", value: call };
    if (d < 0.72) return { ...common, request: "put", value: call, keys: [key, `${key}-twin`] };
    if (d < 0.8) return { ...common, request: "delete" };
    return { ...common, request: "swap", value: call, expected: this.lastSeen.get(key) ?? null };
  }

  private learn(called: Called, returned: Returned): void {
    this.newestRevision = Math.max(this.newestRevision, returned.revision);
    if (returned.outcome !== "done") return;
    const [key] = called.keys;
    const wrote = called.request === "put" || (called.request === "swap" && returned.changed);
    this.lastSeen.set(key!, wrote ? called.value : called.request === "delete" ? null : returned.value);
  }

  private compact(ctx: Ctx): void {
    const { members, timeoutMs, compactEveryMs } = this.config;
    const revision = this.newestRevision - keptRevisions;
    const member = members[ctx.randomInt("member to compact", members.length)]!;
    const request: EtcdRequest = { kind: "etcd.compact", revision };
    if (revision > 0) ctx.ask(member, request, { deadlineMs: timeoutMs }, () => undefined);
    ctx.setTimer(compactTimer, compactEveryMs);
  }
}

function requestOf({ request, keys, value, expected, serializable }: Called): EtcdRequest {
  const [key] = keys.map((name) => Buffer.from(name, "latin1"));
  switch (request) {
    case "get":
      return rangeOf(key!, serializable);
    case "put": {
      const puts = keys.map((name) => putOf(name, value!));
      return puts.length === 1 ? puts[0]! : { kind: "etcd.txn", compare: [], success: puts, failure: [] };
    }
    case "delete":
      return { kind: "etcd.delete", key: key!, rangeEnd: none, prevKv: false };
    case "swap": {
      const absent = { key: key!, target: "create", result: "equal", number: 0, value: none } as const;
      const holds = { key: key!, target: "value", result: "equal", number: 0, value: Buffer.from(expected ?? "", "latin1") } as const;
      const compare = [expected === null ? absent : holds];
      return { kind: "etcd.txn", compare, success: [putOf(keys[0]!, value!)], failure: [rangeOf(key!, false)] };
    }
  }
}

function putOf(key: string, value: string) {
  const bytes = (text: string) => Buffer.from(text, "latin1");
  return { kind: "etcd.put", key: bytes(key), value: bytes(value), lease: 0, prevKv: false } as const;
}

function rangeOf(key: Uint8Array, serializable: boolean): RangeRequest {
  const plain = { limit: 0, revision: 0, sortOrder: "none", sortTarget: "key", keysOnly: false, countOnly: false } as const;
  return { kind: "etcd.range", key, rangeEnd: none, serializable, ...plain };
}

/** What an answer says. A read that failed had no effect; a write is unknown unless etcd says that it certainly did not happen. */
function outcomeOf({ call, request }: Called, answer: Answer<EtcdResponse>): Returned {
  const returned = { kind: "register.returned" as const, call, revision: 0, value: null, changed: false, detail: "" };
  const write = request !== "get";
  if (!answer.ok) {
    const certain = !write || answer.error === "refused";
    return { ...returned, outcome: certain ? "refused" : "unknown", detail: `${answer.error}: ${answer.detail}` };
  }
  const { body } = answer;
  switch (body.kind) {
    case "etcd.error":
      return { ...returned, outcome: write && body.unknown ? "unknown" : "refused", detail: body.message };
    case "etcd.range.response":
      return { ...returned, outcome: "done", revision: body.header.revision, value: heldIn(body.kvs[0]?.value) };
    case "etcd.put.response":
      return { ...returned, outcome: "done", revision: body.header.revision, changed: true };
    case "etcd.delete.response":
      return { ...returned, outcome: "done", revision: body.header.revision, changed: body.deleted > 0 };
    case "etcd.txn.response": {
      const [first] = body.responses;
      const saw = first?.kind === "etcd.range.response" ? heldIn(first.kvs[0]?.value) : null;
      return { ...returned, outcome: "done", revision: body.header.revision, changed: body.succeeded, value: saw };
    }
    default:
      throw new Error(`etcd answered ${request} with ${body.kind}`);
  }
}

function heldIn(bytes: Uint8Array | undefined): string | null {
  return bytes === undefined ? null : Buffer.from(bytes).toString("latin1");
}
