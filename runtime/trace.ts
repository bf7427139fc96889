import type { HostName } from "../protocol/address";
import type { Envelope } from "../protocol/envelope";
import { hashBytes, hashText, mix } from "./hash";
import type { RuntimeEvent } from "./world";

// As in hash.ts: a global in the hottest place is looked up once.
const { imul, floor } = Math;

/** What is asked of a trace: how many of the last lines it keeps (Infinity: all). The hash covers every line whatever is kept. */
export interface TraceOptions {
  readonly keepLines: number;
}

interface Entry {
  readonly nowUs: number;
  readonly host: HostName;
  readonly event: RuntimeEvent;
}

/**
 * One line per event, and a running hash over all of them: two runs are the same when their hashes are, and where they differ the first differing line
 * says what happened. Lines hold virtual times and names only, nothing of the machine. The hash is made of the events' fields, because writing every line
 * costs more than the rest of the runtime; the text of the last ones is written when somebody asks.
 */
export class Trace {
  private a = 0x811c9dc5;
  private b = 0x9e3779b9;
  private kept: (Entry | string)[] = [];
  private readonly names = new Map<string, number>();
  count = 0;

  constructor(private readonly options: TraceOptions = { keepLines: 1000 }) {}

  /** Adds one event that happened at virtual time `nowUs` on a host. */
  add(nowUs: number, host: HostName, event: RuntimeEvent): void {
    if (event.type === "log") return;
    this.number(nowUs);
    switch (event.type) {
      case "deliver":
        this.envelope(event.envelope);
        break;
      case "timer":
        this.name(event.actor);
        this.name(event.name);
        break;
      case "persisted":
        this.name(event.actor);
        this.number(hashText(event.token));
        break;
      case "fact":
        this.name(event.actor);
        this.value(event.fact);
        break;
      default:
        this.name(host);
        this.number(hashText(describe(event) ?? ""));
    }
    // Whoever wants all lines wants them as text: events would keep every message's bytes alive.
    this.keep(this.options.keepLines === Number.POSITIVE_INFINITY ? text(nowUs, host, event) : { nowUs, host, event });
  }

  /** Adds a line about something that is no runtime event, such as a fault. */
  line(line: string): void {
    this.number(hashText(line));
    this.keep(line);
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    return this.a.toString(16).padStart(8, "0") + this.b.toString(16).padStart(8, "0");
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    const last =
      this.options.keepLines === Number.POSITIVE_INFINITY
        ? this.kept
        : this.kept.slice(Math.max(0, this.kept.length - this.options.keepLines));
    return last.map((entry) => (typeof entry === "string" ? entry : text(entry.nowUs, entry.host, entry.event)));
  }

  private keep(entry: Entry | string): void {
    this.count++;
    if (this.options.keepLines === 0) return;
    this.kept.push(entry);
    // Dropping half at a time keeps the cost per line constant.
    if (this.kept.length >= this.options.keepLines * 2) this.kept = this.kept.slice(-this.options.keepLines);
  }

  private envelope(e: Envelope): void {
    this.name(e.to);
    this.name(e.from);
    const { operation, body } = e;
    // These two letters tell the operations apart.
    this.number(operation.charCodeAt(0) * 256 + operation.charCodeAt(2));
    // A message says its kind itself.
    if (body.length === 0 || operation === "close" || operation === "refuse") this.name(e.kind);
    this.number(e.toIncarnation * 65_599 + e.fromIncarnation);
    this.number(e.id);
    this.number(e.sequence);
    this.number(hashBytes(body));
  }

  /** A plain value with all that is in it; as JSON it would have to be written first. */
  private value(value: unknown): void {
    switch (typeof value) {
      case "number":
        return this.number(Number.isSafeInteger(value) ? value : hashText(String(value)));
      case "string":
        return this.number(hashText(value));
      case "object":
        if (value === null) return this.number(hashText("\0null"));
        if (value instanceof Uint8Array) return this.number(hashBytes(value));
        if (Array.isArray(value)) {
          this.number(value.length);
          for (const item of value) this.value(item);
        } else
          for (const field in value) {
            this.name(field);
            this.value((value as Record<string, unknown>)[field]);
          }
        return;
      default:
        return this.number(hashText(`\0${String(value)}`));
    }
  }

  private name(name: string): void {
    let hash = this.names.get(name);
    if (hash === undefined) {
      hash = hashText(name);
      if (this.names.size >= 65_536) this.names.clear();
      this.names.set(name, hash);
    }
    this.number(hash);
  }

  private number(value: number): void {
    this.a = imul(this.a ^ value, 0x01000193) >>> 0;
    this.b = mix(this.b ^ this.a ^ floor(value / 2 ** 32));
  }
}

function text(nowUs: number, host: HostName, event: RuntimeEvent): string {
  return `${nowUs} ${host} ${describe(event)}`;
}

/** The first place where two traces differ, or null. Index counts from 0; a missing line means that one trace ended. */
export function firstDifference(
  one: readonly string[],
  other: readonly string[],
): { readonly index: number; readonly one: string | undefined; readonly other: string | undefined } | null {
  const length = Math.max(one.length, other.length);
  for (let index = 0; index < length; index++) if (one[index] !== other[index]) return { index, one: one[index], other: other[index] };
  return null;
}

/** An event as text, or null for what is not part of the trace (log lines: they may change without the run being another). */
export function describe(event: RuntimeEvent): string | null {
  switch (event.type) {
    case "deliver": {
      const e = event.envelope;
      return `deliver ${e.to}#${e.toIncarnation} < ${e.from}#${e.fromIncarnation} ${e.operation} ${e.kind} ${e.id}.${e.sequence} ${e.body.length}B ${hashBytes(e.body).toString(16)}`;
    }
    case "timer":
      return `timer ${event.actor} ${event.name}`;
    case "persisted":
      return `persisted ${event.actor} ${event.token}`;
    case "started":
    case "stopped":
      return `${event.type} ${event.actor}#${event.incarnation}`;
    case "crashed":
      return `crashed ${event.actor}#${event.incarnation} ${event.error instanceof Error ? event.error.message : String(event.error)}`;
    case "deadLetter":
      return `dead letter ${event.envelope.to} < ${event.envelope.from} ${event.envelope.kind}: ${event.why}`;
    case "expired":
      return `expired ${event.actor} ${event.kind} > ${event.to}`;
    case "fact":
      return `fact ${event.actor} ${JSON.stringify(event.fact)}`;
    case "hostDown":
    case "hostUp":
      return `${event.type} ${event.detail}`;
    case "log":
      return null;
    default:
      return event satisfies never;
  }
}
