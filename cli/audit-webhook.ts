import { type RequestOptions, request } from "node:https";
import type { AuditSink } from "../actors/api-server/audit/sink";
import type { GatewayPort } from "../actors/api-server/gateway/port";
import type { ApiResponse } from "../protocol/api";
import type { LiveLog } from "../runtime/live/log";
import type { AuditWebhookAccess } from "./audit-webhook-access";

/** kube-apiserver's flags of the webhook, with its defaults. */
export interface AuditWebhookOptions {
  readonly access: AuditWebhookAccess;
  /** "batch": events are sent in the background; "blocking": a client has its answer when the events about it have been sent, or cannot be; "blocking-strict": the server itself sends the first. */
  readonly mode: "batch" | "blocking" | "blocking-strict";
  readonly initialBackoffMs: number;
  readonly batch: {
    readonly bufferSize: number;
    readonly maxSize: number;
    readonly maxWaitMs: number;
    readonly throttles: boolean;
    /** Batches a second, and how many may go at once before that counts. */
    readonly throttleQps: number;
    readonly throttleBurst: number;
  };
}

interface AuditEvent {
  readonly auditID?: unknown;
  readonly stage?: unknown;
}

/** A batch is sent so often at most, each time after 1.5 times as long as before, and given up then. */
const triesMax = 5;
const backoffFactor = 1.5;
const answerMs = 30_000;

/**
 * Sends audit events to the server that a kubeconfig names, as EventLists of audit.k8s.io/v1. What finds no room, or cannot be sent, is dropped and
 * counted in the log: the cluster goes on.
 */
export class AuditWebhook {
  private buffer: AuditEvent[] = [];
  private timer: NodeJS.Timeout | undefined;
  private closed = false;
  private sending: Promise<void> = Promise.resolve();
  private readonly pending = new Map<string, Set<Promise<void>>>();
  private tokens: number;
  private refilledMs = performance.now();

  constructor(
    private readonly options: AuditWebhookOptions,
    private readonly log: LiveLog["log"],
    /** Told of each event that is lost. */
    private readonly lost: (event: AuditEvent) => void = () => undefined,
  ) {
    this.tokens = options.batch.throttleBurst;
  }

  write(event: AuditEvent): void {
    const { mode } = this.options;
    if (mode === "blocking-strict" && event.stage === "RequestReceived") return;
    if (mode !== "batch") return this.sendNow(event);
    const { bufferSize, maxSize, maxWaitMs } = this.options.batch;
    if (this.buffer.length >= bufferSize) return this.dropped([event], "the buffer is full");
    this.buffer.push(event);
    if (this.buffer.length >= maxSize) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), maxWaitMs);
  }

  /** The port of a door behind which a client waits for its answer until the events about its request are with the webhook. */
  holding(port: GatewayPort): GatewayPort {
    if (this.options.mode === "batch") return port;
    return {
      ask: async (asked, deadlineMs) => {
        const answer = await port.ask(asked, deadlineMs);
        if (answer.ok) await this.delivered(answer.body);
        return answer;
      },
      open: (asked, then) => port.open(asked, then),
    };
  }

  /** Sends what is left, without trying again. */
  async close(): Promise<void> {
    this.closed = true;
    this.flush();
    await this.sending;
    await Promise.all([...this.pending.values()].flatMap((all) => [...all]));
  }

  private async delivered({ headers }: ApiResponse): Promise<void> {
    const id = headers.find(([name]) => name === "Audit-ID")?.[1];
    await Promise.all(this.pending.get(id ?? "") ?? []);
  }

  private sendNow(event: AuditEvent): void {
    const id = String(event.auditID);
    const all = this.pending.get(id) ?? new Set();
    this.pending.set(id, all);
    const sent = this.send([event]).finally(() => {
      all.delete(sent);
      if (all.size === 0) this.pending.delete(id);
    });
    all.add(sent);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { maxSize } = this.options.batch;
    while (this.buffer.length > 0) {
      const batch = this.buffer.splice(0, maxSize);
      this.sending = this.sending.then(async () => {
        await this.turn();
        await this.send(batch);
      });
    }
  }

  /** Waits until another batch may go. */
  private async turn(): Promise<void> {
    const { throttles, throttleQps, throttleBurst } = this.options.batch;
    if (!throttles) return;
    const nowMs = performance.now();
    this.tokens = Math.min(throttleBurst, this.tokens + ((nowMs - this.refilledMs) / 1000) * throttleQps);
    this.refilledMs = nowMs;
    this.tokens -= 1;
    if (this.tokens < 0 && !this.closed) await after((-this.tokens / throttleQps) * 1000);
  }

  private async send(events: readonly AuditEvent[]): Promise<void> {
    const body = JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items: events });
    let waitMs = this.options.initialBackoffMs;
    for (let tried = 1; ; tried++) {
      const result = await post(this.options.access, body);
      if (result.ok) return;
      if (!result.again || tried === triesMax || this.closed) return this.dropped(events, result.why);
      await after(waitMs);
      waitMs *= backoffFactor;
    }
  }

  private dropped(events: readonly AuditEvent[], why: string): void {
    for (const event of events) this.lost(event);
    this.log("error", "audit events are lost: the webhook did not take them", { url: this.options.access.url, events: events.length, why });
  }
}

/** The webhook as an API server is told of it that has to be taken at its word. */
export function strictSink({ access: { url, tls, headers }, mode }: AuditWebhookOptions): AuditSink | undefined {
  if (mode !== "blocking-strict") return undefined;
  return {
    url,
    headers: Object.entries(headers),
    caBundle: tls.ca === undefined ? "" : String(tls.ca),
    serverName: tls.servername ?? "",
    insecureSkipTlsVerify: tls.rejectUnauthorized === false,
  };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

type Posted = { readonly ok: true } | { readonly ok: false; readonly again: boolean; readonly why: string };

function post({ url, tls, headers }: AuditWebhookAccess, body: string): Promise<Posted> {
  return new Promise((resolve) => {
    const options: RequestOptions = {
      method: "POST",
      ...tls,
      headers: { ...headers, "content-type": "application/json", "content-length": String(Buffer.byteLength(body)) },
      timeout: answerMs,
    };
    const call = request(url, options, (response) => {
      const { statusCode = 0 } = response;
      response.resume();
      response.on("error", (error) => resolve({ ok: false, again: true, why: error.message }));
      response.on("end", () => {
        if (statusCode >= 200 && statusCode < 300) resolve({ ok: true });
        else resolve({ ok: false, again: statusCode === 429 || statusCode >= 500, why: `it answered ${statusCode}` });
      });
    });
    call.on("timeout", () => call.destroy(new Error(`no answer within ${answerMs / 1000} s`)));
    call.on("error", (error) => resolve({ ok: false, again: true, why: error.message }));
    call.end(body);
  });
}
