import type { GatewayPort } from "../actors/api-server/gateway/port";
import type { Address } from "../protocol/address";
import type { ApiAuditLost } from "../protocol/api";
import type { AuditKeep, AuditKept } from "../protocol/audit";
import type { LiveLog } from "../runtime/live/log";
import type { ServedRequest, ServedStream, Service, StreamListener } from "../runtime/serving";
import { AuditBatches } from "./audit-batches";
import { AuditLog } from "./audit-log";
import type { AuditOptions } from "./audit-options";
import { truncated } from "./audit-truncation";
import { AuditWebhook } from "./audit-webhook";

type Plugin = ApiAuditLost["plugin"];

/**
 * Where the audit events of all API servers go: the log and the webhook, each in its mode. It is a service too, which API servers ask to write the
 * beginning of a request where the log is blocking-strict.
 */
export class AuditBackends implements Service<AuditKeep> {
  private readonly file: AuditLog | undefined;
  private readonly batches: AuditBatches<object> | undefined;
  private readonly webhook: AuditWebhook | undefined;
  /** Whose request each event is about, for the server to count what is lost. */
  private readonly servers = new WeakMap<object, Address>();
  /** Told of each event that is lost: of whose request, and by whom. */
  onLost: (server: Address, plugin: Plugin) => void = () => undefined;

  /** Opens the log: throws an InputError where it cannot be written. */
  constructor(
    private readonly options: AuditOptions,
    private readonly log: LiveLog["log"],
    nowMs: () => number,
  ) {
    const { log: logged, webhook } = options;
    this.file = logged && new AuditLog(logged, nowMs);
    if (logged?.mode === "batch")
      this.batches = new AuditBatches<object>(logged.batch, {
        deliver: (batch) => {
          for (const event of batch) this.writeDown(event);
        },
        overflowed: (event) => {
          log("error", "an audit event is lost: the log's buffer is full", {});
          this.lost(event, "buffered");
        },
        underWayMax: 1,
      });
    this.webhook = webhook && new AuditWebhook(webhook, log, (event, plugin) => this.lost(event, plugin));
  }

  /** An event about a request of that server. */
  write(event: object, server: Address): void {
    if (this.file && !(this.isStrict && (event as { readonly stage?: unknown }).stage === "RequestReceived")) {
      const fit = this.fitting(event, server, "log");
      if (fit && this.batches) this.batches.write(fit);
      else if (fit) this.writeDown(fit);
    }
    const fit = this.webhook && this.fitting(event, server, "webhook");
    if (fit) this.webhook!.write(fit);
  }

  /** Whether API servers have to ask for the beginning of each request to be written. */
  get isStrict(): boolean {
    return this.options.log?.mode === "blocking-strict";
  }

  asked({ from, body, reply, refuse }: ServedRequest<AuditKeep>): void {
    if (body.kind !== "audit.keep") return refuse(`no ${body.kind} is answered here`);
    const fit = this.fitting(body.event, from, "log");
    // What is too large even without its objects is left out of the log, and is no reason to refuse a request.
    const kept: AuditKept = { kind: "audit.kept", kept: fit === undefined || this.writeDown(fit, () => undefined) };
    reply(kept);
  }

  opened(body: AuditKeep, stream: ServedStream): StreamListener<AuditKeep> {
    stream.close("refused", `no ${body.kind} is answered here`);
    return { closed: () => undefined };
  }

  /** The port of a door behind which clients wait for their answers until the webhook has the events about them, where it is to be so. */
  holding(port: GatewayPort): GatewayPort {
    return this.webhook?.holding(port) ?? port;
  }

  async close(): Promise<void> {
    await this.batches?.close();
    this.file?.close();
    await this.webhook?.close();
  }

  /** Whether the event is in the log now. */
  private writeDown(event: object, lost = () => this.lost(event, "log")): boolean {
    try {
      this.file!.write(event);
      return true;
    } catch (error) {
      this.log("error", "an audit event is lost: it cannot be written", { err: error });
      lost();
      return false;
    }
  }

  /** The event in the size that its taker wants, if it can be had. */
  private fitting(event: object, server: Address, taker: "log" | "webhook"): object | undefined {
    const fit = truncated(event, this.options.truncation[taker]);
    this.servers.set(fit ?? event, server);
    if (fit === undefined) {
      this.log("error", "an audit event is lost: it is too large", { plugin: taker });
      this.lost(event, "truncate");
    }
    return fit;
  }

  private lost(event: object, plugin: Plugin): void {
    const server = this.servers.get(event);
    // Events come inside of turns, in which nothing can be said to others.
    if (server !== undefined) setImmediate(() => this.onLost(server, plugin));
  }
}
