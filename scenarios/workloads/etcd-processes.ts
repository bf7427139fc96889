import type { Address } from "../../protocol/address";
import type { Compare, EtcdRequest, EtcdResponse, PutRequest, RangeRequest, TxnRequest, TxnResponse } from "../../protocol/etcd";
import type { KnownFact } from "../../protocol/facts";
import type { Context } from "../../runtime/actor";
import type { JsonSchema } from "../schema";
import { ChosenMember } from "./chosen-member";
import { TimedClient } from "./timed-client";
import { millisecondsOf, type Params, type Surroundings } from "./workload";

export interface EtcdProcessesConfig {
  readonly members: readonly Address[];
  readonly prefix: string;
  /** How many do something at a time, each waiting for its answer. */
  readonly processes: number;
  readonly requestsPerSecond: number;
  readonly timeoutMs: number;
}

export type TxnCalled = Extract<KnownFact, { readonly kind: "txn.called" }>;
export type TxnReturned = Extract<KnownFact, { readonly kind: "txn.returned" }>;
type Seen = TxnReturned["seen"];

/** What a request to etcd came to. */
export type Outcome<R> =
  | { readonly type: "done"; readonly response: R }
  /** Certainly without effect. */
  | { readonly type: "refused"; readonly detail: string }
  | { readonly type: "unknown"; readonly detail: string };

export const processParams: Readonly<Record<string, JsonSchema>> = {
  requestsPerSecond: {
    type: "number",
    exclusiveMinimum: 0,
    maximum: 10_000,
    description: "how many each second, as long as answers are quick",
  },
  processes: { type: "integer", minimum: 1, maximum: 1000, description: "how many are under way at most; 4 where not given" },
  timeout: { type: "string", description: 'how long an answer may take, "2s" where not given' },
};

export function processesConfig(params: Params, { members }: Surroundings, prefix: string): EtcdProcessesConfig {
  return {
    members,
    prefix: String(params.prefix ?? prefix),
    processes: (params.processes as number | undefined) ?? 4,
    requestsPerSecond: params.requestsPerSecond as number,
    timeoutMs: millisecondsOf(params.timeout, "2s"),
  };
}

type Ctx = Context<EtcdProcesses>;

const actTimer = "act ";

/**
 * Processes that use etcd directly, each asking whichever member chance names, one thing at a time. What each does is for the workload to say (`act`);
 * every call and every answer leaves a fact, and nothing whose outcome is unknown is sent again.
 */
export abstract class EtcdProcesses extends TimedClient {
  private calls = 0;
  /** The processes that still have to read what there is in the end, and whether what they are about is that read. */
  private readonly owing = new Map<number, "owed" | "under way">();
  /** The processes whose call changes something. */
  private readonly changing = new Set<number>();
  /** Whether any change was acknowledged: without one there is little to read. */
  private hasChanged = false;
  private readonly chosen: ChosenMember;

  constructor(protected readonly config: EtcdProcessesConfig) {
    super();
    this.chosen = new ChosenMember(config.members);
  }

  protected begin(ctx: Ctx): void {
    for (let process = 0; process < this.config.processes; process++) this.pause(process, ctx);
  }

  protected override lookOnceMore(): void {
    for (let process = 0; process < this.config.processes; process++) this.owing.set(process, "owed");
  }

  protected override owes(): boolean {
    return this.owing.size > 0;
  }

  /** Whether the process owes a look; what it does now is taken for it. */
  protected looks(process: number): boolean {
    if (!this.owing.has(process)) return false;
    this.owing.set(process, "under way");
    return true;
  }

  /** What the process was about is done: if that was what it owed, it owes it no more. */
  protected hasLooked(process: number, ctx: Ctx): void {
    if (this.owing.get(process) !== "under way") return;
    this.owing.delete(process);
    this.tellLookers(ctx);
  }

  /**
   * Draws whether what the process does now changes something, which it does in that share of the cases; never while it owes a read, unless nothing has been changed
   * so far.
   */
  protected changes(process: number, share: number, ctx: Ctx): boolean {
    const drawn = ctx.random("action") < share;
    const changes = this.owing.has(process) ? !this.hasChanged : drawn;
    if (changes) this.changing.add(process);
    else {
      this.changing.delete(process);
      this.looks(process);
    }
    return changes;
  }

  protected onTimer(name: string, ctx: Ctx): void {
    if (name.startsWith(actTimer)) this.act(Number(name.slice(actTimer.length)), ctx);
  }

  /** Does one thing and calls `pause` for that process when it is over. */
  protected abstract act(process: number, ctx: Ctx): void;

  /** On average the processes together come to the wanted rate, as long as answers are quick. */
  protected pause(process: number, ctx: Ctx): void {
    const meanMs = (1000 * this.config.processes) / this.config.requestsPerSecond;
    ctx.setTimer(`${actTimer}${process}`, meanMs * (0.5 + ctx.random("pause")));
  }

  /** A name that no other call has. */
  protected name(process: number, ctx: Ctx): string {
    return `${ctx.self}.${process}/${ctx.incarnation}#${++this.calls}`;
  }

  protected member(ctx: Ctx): Address {
    return this.chosen.choose(this.isAwaited, (count) => ctx.randomInt("member", count));
  }

  protected tellCall(ctx: Ctx, called: Omit<TxnCalled, "kind">): void {
    ctx.record({ kind: "txn.called", ...called });
  }

  /** Says how what was called under that name ended, and lets the process rest. */
  protected tellAnswer(
    ctx: Ctx,
    process: number,
    call: string,
    outcome: Outcome<{ readonly revision: number; readonly seen: Seen }>,
  ): void {
    const { revision, seen } = outcome.type === "done" ? outcome.response : { revision: 0, seen: [] };
    const detail = outcome.type === "done" ? "" : outcome.detail;
    if (outcome.type === "done" && this.changing.has(process)) this.hasChanged = true;
    else if (outcome.type === "done") this.hasLooked(process, ctx);
    ctx.record({ kind: "txn.returned", call, outcome: outcome.type, revision, seen, detail });
    if (this.working) this.pause(process, ctx);
  }

  /** Asks one member; `writes` says whether an answer that does not come may hide an effect. */
  protected ask<R extends EtcdResponse>(
    ctx: Ctx,
    member: Address,
    request: EtcdRequest,
    writes: boolean,
    then: (outcome: Outcome<R>, later: Ctx) => void,
  ): void {
    ctx.ask<EtcdResponse>(member, request, { deadlineMs: this.config.timeoutMs }, (state, answer, later) => {
      state.chosen.learn(member, answer.ok && answer.body.kind !== "etcd.error");
      if (!answer.ok) {
        const type = writes && answer.error !== "refused" ? "unknown" : "refused";
        then({ type, detail: `${answer.error}: ${answer.detail}` }, later);
      } else if (answer.body.kind === "etcd.error")
        then({ type: writes && answer.body.unknown === true ? "unknown" : "refused", detail: answer.body.message }, later);
      else then({ type: "done", response: answer.body as R }, later);
      return undefined;
    });
  }

  /** Reads keys together, at one revision. */
  protected read(
    ctx: Ctx,
    member: Address,
    keys: readonly string[],
    then: (outcome: Outcome<{ readonly revision: number; readonly entries: readonly Entry[] }>, later: Ctx) => void,
  ): void {
    const request: TxnRequest = { kind: "etcd.txn", compare: [], success: keys.map((key) => rangeOf(key)), failure: [] };
    this.ask<TxnResponse>(ctx, member, request, false, (outcome, later) => {
      if (outcome.type !== "done") return then(outcome, later);
      const entries = outcome.response.responses.map((response): Entry => {
        const kv = response.kind === "etcd.range.response" ? response.kvs[0] : undefined;
        return { value: kv ? text(kv.value) : null, modRevision: kv?.modRevision ?? 0 };
      });
      then({ type: "done", response: { revision: outcome.response.header.revision, entries } }, later);
    });
  }

  /** Writes keys together, if all that were read are as they were read; refused where one is not. */
  protected write(
    ctx: Ctx,
    member: Address,
    asRead: ReadonlyMap<string, number>,
    puts: ReadonlyMap<string, string>,
    then: (outcome: Outcome<{ readonly revision: number }>, later: Ctx) => void,
  ): void {
    const compare = [...asRead].map(([key, number]): Compare => ({ key: bytes(key), target: "mod", result: "equal", number, value: none }));
    const request: TxnRequest = { kind: "etcd.txn", compare, success: [...puts].map(([key, value]) => putOf(key, value)), failure: [] };
    this.ask<TxnResponse>(ctx, member, request, true, (outcome, later) => {
      if (outcome.type !== "done") return then(outcome, later);
      if (!outcome.response.succeeded) return then({ type: "refused", detail: "what was read has changed" }, later);
      then({ type: "done", response: { revision: outcome.response.header.revision } }, later);
    });
  }
}

export interface Entry {
  /** null where there is no such key. */
  readonly value: string | null;
  readonly modRevision: number;
}

const none = new Uint8Array(0);

export function bytes(value: string): Uint8Array {
  return Buffer.from(value, "latin1");
}

export function text(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1");
}

export function putOf(key: string, value: string, lease = 0): PutRequest {
  return { kind: "etcd.put", key: bytes(key), value: bytes(value), lease, prevKv: false };
}

/** One key, or with `prefix` all that begin so. */
export function rangeOf(key: string, prefix = false): RangeRequest {
  const rangeEnd = prefix ? bytes(key.slice(0, -1) + String.fromCharCode(key.charCodeAt(key.length - 1) + 1)) : none;
  const plain = { limit: 0, revision: 0, sortOrder: "none", sortTarget: "key", keysOnly: false, countOnly: false } as const;
  return { kind: "etcd.range", key: bytes(key), rangeEnd, serializable: false, ...plain };
}
