import pino from "pino";
import type { HostName } from "../../protocol/address";
import type { RuntimeEvent } from "../world";
import type { LiveObserver } from "./world";

/** Where a process of a live cluster writes its log: one JSON line for each event that somebody may want to read. */
export interface LiveLog {
  readonly observer: LiveObserver;
  log(level: "debug" | "info" | "warn" | "error", message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Logs to standard error from that level on ("debug", "info", "warn", "error", "silent"). */
export function liveLog(level: string): LiveLog {
  const logger = pino({ level, base: undefined, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination({ dest: 2, sync: true }));
  return {
    observer: (host, event) => write(logger, host, event),
    log: (at, message, fields = {}) => logger[at](fields, message),
  };
}

function write(logger: pino.Logger, host: HostName, event: RuntimeEvent): void {
  switch (event.type) {
    case "log":
      return logger[event.level]({ host, actor: event.actor, ...event.fields }, event.message);
    case "crashed":
      return logger.error(
        { host, actor: event.actor, incarnation: event.incarnation, err: event.error },
        "an actor crashed and starts again",
      );
    case "deadLetter": {
      const { kind, from, to, operation } = event.envelope;
      return logger.debug({ host, kind, from, to, operation, why: event.why }, "a dead letter");
    }
    case "expired":
      return logger.debug({ host, actor: event.actor, kind: event.kind, to: event.to }, "no answer came in time");
    case "hostUp":
      return logger.info({ host }, "a host is up");
    case "hostDown":
      return logger.info({ host, detail: event.detail }, "a host is down");
    case "started":
      return logger.info({ host, actor: event.actor, incarnation: event.incarnation }, "an actor started");
    default:
      return;
  }
}
