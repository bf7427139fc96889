import { type RequestOptions, request } from "node:https";
import type { AuditSink } from "../actors/api-server/audit/sink";
import type { GatewayPort } from "../actors/api-server/gateway/port";
import type { ApiResponse } from "../protocol/api";
import type { LiveLog } from "../runtime/live/log";
import { AuditBatches, type AuditBatchOptions } from "./audit-batches";
import type { AuditWebhookAccess } from "./audit-webhook-access";

/** kube-apiserver's flags of the webhook, with its defaults. */
export interface AuditWebhookOptions {
  readonly access: AuditWebhookAccess;
  /** "batch": events are sent in the background; "blocking": a client has its answer when the events about it have been sent, or cannot be; "blocking-strict": the server itself sends the first. */
  readonly mode: "batch" | "blocking" | "blocking-strict";
  readonly initialBackoffMs: number;
  readonly batch: AuditBatchOptions;
}

interface AuditEvent {
  readonly auditID?: unknown;
  readonly stage?: unknown;
}

/** A batch is sent so often at most, each time after 1.5 times as long as before, and given up then. */
const triesMax = 5;
const backoffFactor = 1.5;
const answerMs = 30_000;
/** Batches that are under way at once, each until it is taken or given up. */
const underWayMax = 32;

/**
 * Sends audit events to the server that a kubeconfig names, as EventLists of audit.k8s.io/v1. What finds no room, or cannot be sent, is dropped and
 * counted in the log: the cluster goes on.
 */
export class AuditWebhook {
  private closed = false;
  private readonly batches: AuditBatches<AuditEvent>;
  private readonly pending = new Map<string, Set<Promise<void>>>();

  constructor(
    private readonly options: AuditWebhookOptions,
    private readonly log: LiveLog["log"],
    /** Told of each event that is lost, and whether it was so for want of room. */
    private readonly lost: (event: AuditEvent, plugin: "webhook" | "buffered") => void = () => undefined,
  ) {
    this.batches = new AuditBatches(options.batch, {
      deliver: (batch) => this.send(batch),
      overflowed: (event) => this.dropped([event], "buffered", "the buffer is full"),
      underWayMax,
    });
  }

  write(event: AuditEvent): void {
    const { mode } = this.options;
    if (mode === "blocking-strict" && event.stage === "RequestReceived") return;
    if (mode === "batch") this.batches.write(event);
    else this.sendNow(event);
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
    await this.batches.close();
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

  private async send(events: readonly AuditEvent[]): Promise<void> {
    const body = JSON.stringify({ kind: "EventList", apiVersion: "audit.k8s.io/v1", metadata: {}, items: events });
    let waitMs = this.options.initialBackoffMs;
    for (let tried = 1; ; tried++) {
      const result = await post(this.options.access, body);
      if (result.ok) return;
      if (!result.again || tried === triesMax || this.closed) return this.dropped(events, "webhook", result.why);
      await after(waitMs);
      waitMs *= backoffFactor;
    }
  }

  private dropped(events: readonly AuditEvent[], plugin: "webhook" | "buffered", why: string): void {
    for (const event of events) this.lost(event, plugin);
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
