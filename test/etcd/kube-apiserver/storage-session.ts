import type { ClientDuplexStream } from "@grpc/grpc-js";
import type { EtcdConnection } from "../../../actors/real-etcd/gateway/connection";
import { serviceErrorOf } from "../../../actors/real-etcd/gateway/errors";

// biome-ignore lint/suspicious/noExplicitAny: a session shows whatever the server said
type Fields = any;

const leaseFields = new Set(["ID", "lease"]);

/**
 * What kube-apiserver's etcd3 storage sends (its store.go, watcher.go, compact.go, lease_manager.go and the client in etcd's client/v3/kubernetes),
 * message for message, and what came back, as text. What differs from one server to the next by nature is named instead of shown.
 */
export class StorageSession {
  readonly lines: string[] = [];
  private readonly leases = new Map<string, string>();

  constructor(private readonly connection: EtcdConnection) {}

  say(text: string): void {
    this.lines.push("", `# ${text}`);
  }

  /** One call; its answer, or undefined where it was refused. */
  async call(service: string, method: string, request: object): Promise<Fields> {
    this.lines.push(`> ${service}.${method} ${this.shown(request)}`);
    try {
      const answer = await this.connection.ask<Fields>(service, method, request, 10_000);
      this.lines.push(`< ${this.shown(answer)}`);
      return answer;
    } catch (error) {
      const { code, details } = serviceErrorOf(error);
      this.lines.push(`< refused: code ${code}: ${details}`);
      return undefined;
    }
  }

  /** Opens the stream of a watch, as a client has one for all its watches. */
  openWatches(): WatchStream {
    return new WatchStream(this, this.connection.stream<Fields>("Watch", "Watch"));
  }

  /** JSON with bytes as text; leases by the order in which they were seen, ids and versions by what they are. */
  shown(message: object): string {
    return JSON.stringify(message, (name, value) => this.replaced(name, value));
  }

  private replaced(name: string, value: Fields): unknown {
    if (name === "header" && value !== null) {
      const revision = Number(value.revision ?? 0);
      return revision === 0 ? {} : { revision };
    }
    // A moment may have passed.
    if (name === "TTL" && Number(value) > 3_600) return "all or nearly all of it";
    if (name === "errors" && value.length === 0) return undefined;
    if (leaseFields.has(name)) return this.lease(String(value));
    if (name === "version" && /^\d+\.\d+\.\d+$/.test(value)) return "the release";
    if (name === "dbSize" || name === "dbSizeInUse") return "a size";
    if (name === "leader") return String(value) === "0" ? "none" : "a member";
    if (name === "raftTerm" || name === "raftIndex" || name === "raftAppliedIndex") return Number(value) > 0 ? "a number" : 0;
    if (name === "members") return (value as Fields[]).map(({ clientURLs }) => `a member with ${clientURLs.length} client address`);
    if (name === "keys" && Array.isArray(value)) return (value as Fields[]).map(textOf).sort();
    if (name === "key" || name === "value" || name === "range_end") return textOf(value);
    if (typeof value === "string" && /^-?\d+$/.test(value)) return Number(value);
    return value;
  }

  private lease(id: string): unknown {
    if (id === "0") return 0;
    if (!this.leases.has(id)) this.leases.set(id, `lease ${this.leases.size + 1}`);
    return this.leases.get(id);
  }
}

/** Bytes as JSON.stringify hands them over: a Buffer's own form on the way in, base64 of protobufjs on the way out. */
function textOf(value: Fields): string {
  const bytes = Buffer.from(typeof value === "string" ? Buffer.from(value, "base64") : value.data);
  return bytes.length > 200 ? `${bytes.length} bytes` : bytes.toString();
}

/** The one Watch call of a client. */
export class WatchStream {
  private readonly received: Fields[] = [];
  private woken: (() => void) | undefined;

  constructor(
    private readonly session: StorageSession,
    private readonly stream: ClientDuplexStream<object, Fields>,
  ) {
    stream.on("data", (fields) => {
      this.received.push(fields);
      this.woken?.();
    });
    stream.on("error", () => {});
  }

  send(request: object): void {
    this.session.lines.push(`> Watch ${this.session.shown(request)}`);
    this.stream.write(request);
  }

  /** Shows responses until one says what is wanted. */
  async until(isWanted: (fields: Fields) => boolean): Promise<void> {
    for (;;) {
      while (this.received.length === 0)
        await new Promise<void>((resolve) => {
          this.woken = resolve;
        });
      const fields = this.received.shift();
      // How many revisions come in one response is a matter of moments.
      if (fields.events.length === 0) this.session.lines.push(`< Watch ${this.session.shown(fields)}`);
      for (const event of fields.events) this.session.lines.push(`< Watch ${fields.watch_id} ${this.session.shown(event)}`);
      if (isWanted(fields)) return;
    }
  }

  close(): void {
    this.stream.cancel();
  }
}
