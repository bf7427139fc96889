import type { HostName } from "../protocol/address";
import { hashBytes, hashText, mix } from "./hash";
import type { RuntimeEvent } from "./world";

/** What is asked of a trace: how many of the last lines it keeps (Infinity: all). The hash covers every line whatever is kept. */
export interface TraceOptions {
  readonly keepLines: number;
}

/**
 * One line per event, and a running hash over all of them: two runs are the same when their hashes are, and where they differ the first differing line
 * says what happened. Lines hold virtual times and names only, nothing of the machine.
 */
export class Trace {
  private a = 0x811c9dc5;
  private b = 0x9e3779b9;
  private kept: string[] = [];
  count = 0;

  constructor(private readonly options: TraceOptions = { keepLines: 1000 }) {}

  /** Adds one event that happened at virtual time `nowUs` on a host. */
  add(nowUs: number, host: HostName, event: RuntimeEvent): void {
    const text = describe(event);
    if (text !== null) this.line(`${nowUs} ${host} ${text}`);
  }

  line(line: string): void {
    this.count++;
    this.a = hashText(line, this.a);
    this.b = mix(this.b ^ this.a);
    if (this.options.keepLines === 0) return;
    this.kept.push(line);
    // Dropping half at a time keeps the cost per line constant.
    if (this.kept.length >= this.options.keepLines * 2) this.kept = this.kept.slice(-this.options.keepLines);
  }

  /** 16 hexadecimal digits. */
  hash(): string {
    return this.a.toString(16).padStart(8, "0") + this.b.toString(16).padStart(8, "0");
  }

  /** The last lines, oldest first. */
  lines(): readonly string[] {
    return this.options.keepLines === Number.POSITIVE_INFINITY ? this.kept : this.kept.slice(-this.options.keepLines);
  }
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
