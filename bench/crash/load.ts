import type { Address } from "../../protocol/address";
import type { EtcdError, EtcdRequest, EtcdResponse, RangeResponse, TxnOperation } from "../../protocol/etcd";
import type { Answer } from "../../runtime/actor";
import { checkHistory } from "../../scenarios/checks/linearizability/history";
import type { Operation, Outcome, Request, Value } from "../../scenarios/checks/linearizability/operation";
import { compareValue, deleteOf, putOf, rangeOf, textOf, txnOf } from "./requests";

/** The replica set under load, real or simulated. */
export interface Replicas {
  readonly members: readonly Address[];
  ask(member: Address, request: EtcdRequest, deadlineMs: number, then: (answer: Answer<EtcdResponse>) => void): void;
  after(delayMs: number, callback: () => void): void;
  /** A draw in [0, 1). */
  draw(purpose: string, index: number): number;
}

type Answered = Exclude<EtcdResponse, EtcdError>;

const deadlineMs = 3_000;
/** So many operations go to the same few registers before the next few take their place: the search for an order stays short. */
const operationsPerEra = 100;
const registersPerEra = 4;

/**
 * Clients that read and write, each one request at a time of whichever member, and write down what they saw: operations on a few registers that all
 * fight for, and a journal of keys that nobody else writes.
 */
export class Load {
  readonly operations: Operation[] = [];
  readonly counts = { acknowledged: 0, reads: 0, refused: 0, unknown: 0 };
  /** Journal keys and the revision that was told; a key whose write was refused or has no answer is in neither of the two. */
  private readonly journal = new Map<string, number>();
  private readonly refused = new Set<string>();
  private readonly lastSeen = new Map<string, Value>();
  /** The member that each client asks. */
  private readonly favourites = new Map<number, number>();
  private moment = 0;
  private serial = 0;
  private stopping = false;
  private busy = 0;

  constructor(private readonly replicas: Replicas) {}

  start(clients: number): void {
    for (let client = 0; client < clients; client++) this.next(client);
  }

  /** Lets what is under way come to its end and begins nothing new. */
  stop(): void {
    this.stopping = true;
  }

  get idle(): boolean {
    return this.stopping && this.busy === 0;
  }

  /** Reads what is there in the end, and says what is wrong with it and with all that was seen. Ask when idle. */
  verdict(then: (violations: readonly string[]) => void): void {
    const ask = (key: string, to: string, got: (response: RangeResponse) => void, attempts = 20): void =>
      this.replicas.ask(this.replicas.members[attempts % this.replicas.members.length]!, rangeOf(key, to), deadlineMs, (answer) => {
        if (answer.ok && answer.body.kind === "etcd.range.response") got(answer.body);
        else if (attempts > 0) this.replicas.after(200, () => ask(key, to, got, attempts - 1));
        else then(["in the end no member answered a read"]);
      });
    const called = ++this.moment;
    ask("/r/", "/r0", (registers) => {
      const held = new Map(registers.kvs.map((kv) => [textOf(kv.key), textOf(kv.value)]));
      for (const key of new Set(this.operations.map((operation) => operation.key))) {
        const outcome: Outcome = { type: "got", value: held.get(key) ?? null };
        this.operations.push({ name: "the last read", key, called, returned: this.moment + 1, request: { type: "get" }, outcome });
      }
      this.moment++;
      ask("/j/", "/j0", (journal) => then([...this.missing(journal), ...this.disorder()]));
    });
  }

  private missing(response: RangeResponse): readonly string[] {
    const violations: string[] = [];
    const held = new Map(response.kvs.map((kv) => [textOf(kv.key), kv.modRevision]));
    for (const [key, revision] of this.journal)
      if (held.get(key) !== revision)
        violations.push(`${key} was acknowledged at revision ${revision}, and in the end it is ${at(held.get(key))}`);
    for (const key of held.keys()) if (this.refused.has(key)) violations.push(`the write of ${key} was refused, and it is there`);
    return violations;
  }

  private disorder(): readonly string[] {
    const { violation, undecided } = checkHistory(this.operations);
    return [...(violation === undefined ? [] : [violation]), ...undecided.map((key) => `no order was found or ruled out for ${key}`)];
  }

  private draw(purpose: string): number {
    return this.replicas.draw(purpose, this.serial++);
  }

  private next(client: number): void {
    if (this.stopping) return;
    this.busy++;
    const { members } = this.replicas;
    // As clients of etcd do: one member as long as it answers; now and then another, so that all are asked.
    const moves = this.draw("move") < 0.05;
    const n = moves ? Math.floor(this.draw("member") * members.length) : (this.favourites.get(client) ?? client % members.length);
    this.favourites.set(client, n);
    const member = members[n]!;
    const done = (answered: boolean) => {
      this.busy--;
      if (!answered) this.favourites.set(client, (n + 1) % members.length);
      // Who got no answer waits a little, so that a cluster without a leader does not fill the history with questions.
      this.replicas.after(answered ? this.draw("think") * 8 : 50 + this.draw("wait") * 100, () => this.next(client));
    };
    if (this.draw("journal") < 0.4) this.writeJournal(client, member, done);
    else this.useRegister(client, member, done);
  }

  private writeJournal(client: number, member: Address, done: (answered: boolean) => void): void {
    const key = `/j/${client}/${this.serial}`;
    this.replicas.ask(member, putOf(key, "x".repeat(200)), deadlineMs, (answer) => {
      const outcome = this.outcomeOf(answer);
      if (outcome === "refused") this.refused.add(key);
      else if (outcome !== "unknown" && outcome.kind === "etcd.put.response") this.journal.set(key, outcome.header.revision);
      done(outcome !== "unknown");
    });
  }

  private useRegister(client: number, member: Address, done: (answered: boolean) => void): void {
    const era = Math.floor(this.operations.length / operationsPerEra);
    const key = `/r/${era}/${Math.floor(this.draw("register") * registersPerEra)}`;
    const name = `client ${client} #${this.serial} at ${member}`;
    const request = this.chooseRequest(key, `${client}.${this.serial}`);
    const called = ++this.moment;
    this.replicas.ask(member, messageOf(key, request), deadlineMs, (answer) => {
      const got = this.outcomeOf(answer);
      const returned = ++this.moment;
      if (got === "unknown") {
        this.operations.push({ name, key, called, returned: Number.POSITIVE_INFINITY, request, outcome: { type: "unknown" } });
      } else if (got !== "refused") {
        const outcome = seen(request, got);
        if (outcome.type === "got" || outcome.type === "kept") this.lastSeen.set(key, outcome.value);
        if (outcome.type === "swapped" && request.type === "swap") this.lastSeen.set(key, request.value);
        this.operations.push({ name, key, called, returned, request, outcome });
      }
      done(got !== "unknown");
    });
  }

  private chooseRequest(key: string, value: string): Request {
    const choice = this.draw("request");
    if (choice < 0.4) return { type: "get" };
    if (choice < 0.65) return { type: "put", value };
    if (choice < 0.72) return { type: "delete" };
    return { type: "swap", expected: this.lastSeen.get(key) ?? null, value };
  }

  private outcomeOf(answer: Answer<EtcdResponse>): Answered | "refused" | "unknown" {
    if (!answer.ok || (answer.body.kind === "etcd.error" && answer.body.unknown)) {
      this.counts.unknown++;
      return "unknown";
    }
    if (answer.body.kind === "etcd.error") {
      this.counts.refused++;
      return "refused";
    }
    if (answer.body.kind === "etcd.range.response") this.counts.reads++;
    else this.counts.acknowledged++;
    return answer.body;
  }
}

function messageOf(key: string, request: Request): EtcdRequest {
  switch (request.type) {
    case "get":
      return rangeOf(key);
    case "put":
      return putOf(key, request.value);
    case "delete":
      return deleteOf(key);
    case "swap":
      return txnOf([compareValue(key, request.expected)], [putOf(key, request.value) as TxnOperation], [rangeOf(key)]);
  }
}

function seen(request: Request, response: EtcdResponse): Outcome {
  switch (response.kind) {
    case "etcd.range.response":
      return { type: "got", value: valueIn(response) };
    case "etcd.put.response":
      return { type: "done" };
    case "etcd.delete.response":
      return { type: "deleted", existed: response.deleted > 0 };
    case "etcd.txn.response": {
      const [nested] = response.responses;
      return response.succeeded
        ? { type: "swapped" }
        : { type: "kept", value: nested?.kind === "etcd.range.response" ? valueIn(nested) : null };
    }
    default:
      throw new Error(`${request.type} was answered with ${response.kind}`);
  }
}

function valueIn(response: RangeResponse): Value {
  const [kv] = response.kvs;
  return kv === undefined ? null : textOf(kv.value);
}

function at(revision: number | undefined): string {
  return revision === undefined ? "not there" : `at ${revision}`;
}
