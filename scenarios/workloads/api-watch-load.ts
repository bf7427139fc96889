import { ApiClient, type ObjectList, type Resource, type Result, resource } from "../../actors/client";
import { decodeObject } from "../../actors/client/decode";
import type { Address } from "../../protocol/address";
import type { ApiEvent, ApiMessage, ApiResponse } from "../../protocol/api";
import { keyOf, type Stored } from "../../protocol/kinds/object";
import type { Context, StreamInput, StreamRef } from "../../runtime/actor";
import { TimedClient } from "./timed-client";

export interface ApiWatchConfig {
  readonly type: "api-watches";
  readonly apiServers: readonly Address[];
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace: string;
  readonly watches: number;
  readonly reopenEveryMs: number;
}

interface Watch {
  readonly name: string;
  readonly client: ApiClient<ApiWatchLoad>;
  /** All up to here has been told; 0 before it has listed. */
  seen: number;
  opened: number;
  stream: StreamRef | null;
}

type Ctx = Context<ApiWatchLoad>;

const retryTimer = "retry ";
const reopenTimer = "reopen";
const retryMs = 300;

/** Watchers who do nothing but record: what a client of the API may rely on, without the informer that would make up for what is missing. */
export class ApiWatchLoad extends TimedClient {
  private readonly resource: Resource;
  private watches: Watch[] = [];
  private turn = 0;

  constructor(private readonly config: ApiWatchConfig) {
    super();
    this.resource = resource(config.apiVersion, config.kind);
  }

  protected onTimer(name: string, ctx: Ctx): void {
    if (name === reopenTimer) this.reopen(ctx);
    else if (name.startsWith(retryTimer)) this.goOn(this.watches[Number(name.slice(retryTimer.length))]!, ctx);
  }

  protected begin(ctx: Ctx): void {
    const { apiServers, watches, reopenEveryMs } = this.config;
    this.watches = Array.from({ length: watches }, (_, i) => {
      const preferred = apiServers.map((_, k) => apiServers[(i + k) % apiServers.length]!);
      const client = new ApiClient<ApiWatchLoad>({ apiServers: preferred, userAgent: "wavetank-watcher" });
      return { name: `${ctx.self}.${i}/${ctx.incarnation}`, client, seen: 0, opened: 0, stream: null };
    });
    for (const watch of this.watches) this.goOn(watch, ctx);
    if (reopenEveryMs > 0) ctx.setTimer(reopenTimer, reopenEveryMs);
  }

  private goOn(watch: Watch, ctx: Ctx): void {
    if (watch.seen === 0) this.list(watch, ctx);
    else this.open(watch, ctx);
  }

  private list(watch: Watch, ctx: Ctx): void {
    const server = watch.client.server;
    watch.client.list(ctx, this.resource, this.config.namespace, {}, (state, result: Result<ObjectList<unknown>>, later) => {
      if (!result.ok) {
        watch.client.avoid(server);
        state.retry(watch, later);
        return undefined;
      }
      const { items, metadata } = result.object;
      watch.seen = Number(metadata.resourceVersion);
      const objects = items.map((item) => [keyOf(item), Number(item.metadata.resourceVersion)] as const);
      const { namespace, kind: of } = state.config;
      later.record({ kind: "api-watch.listed", watch: watch.name, of, namespace, resourceVersion: watch.seen, objects });
      state.open(watch, later);
      return undefined;
    });
  }

  private open(watch: Watch, ctx: Ctx): void {
    const number = ++watch.opened;
    const { namespace, kind: of } = this.config;
    const query = { resourceVersion: String(watch.seen), allowWatchBookmarks: "true", timeoutSeconds: "300" };
    const { stream, server } = watch.client.watch(ctx, this.resource, namespace, query, (state, input, later) => {
      if (watch.opened === number && watch.stream) state.hear(watch, server, input, later);
      return undefined;
    });
    watch.stream = stream;
    ctx.record({ kind: "api-watch.opened", watch: watch.name, number, server, of, namespace, resourceVersion: watch.seen });
  }

  private hear(watch: Watch, server: Address, input: StreamInput<ApiMessage>, ctx: Ctx): void {
    if (input.type === "closed") {
      if (input.reason !== "done") watch.client.avoid(server);
      this.close(watch, false, `${input.reason}: ${input.detail}`, ctx);
    } else if (input.body.kind === "api.response") {
      const { code } = input.body as ApiResponse;
      if (code === 200) return;
      ctx.close(watch.stream!);
      if (code >= 500) watch.client.avoid(server);
      this.close(watch, code === 410, `answered ${code}`, ctx);
    } else if (input.body.kind === "api.event") this.take(watch, input.body as ApiEvent, ctx);
  }

  private take(watch: Watch, { type, object: body }: ApiEvent, ctx: Ctx): void {
    const object = decodeObject(body) as unknown as Stored;
    if (type === "ERROR") {
      ctx.close(watch.stream!);
      this.close(watch, (object as unknown as { readonly code?: number }).code === 410, "an error event", ctx);
      return;
    }
    const resourceVersion = Number(object.metadata.resourceVersion);
    const name = type === "BOOKMARK" ? "" : keyOf(object);
    ctx.record({ kind: "api-watch.event", watch: watch.name, number: watch.opened, type, object: name, resourceVersion });
    watch.seen = resourceVersion;
  }

  private close(watch: Watch, gone: boolean, detail: string, ctx: Ctx): void {
    ctx.record({ kind: "api-watch.closed", watch: watch.name, number: watch.opened, gone, detail });
    watch.stream = null;
    if (gone) watch.seen = 0;
    this.retry(watch, ctx);
  }

  private retry(watch: Watch, ctx: Ctx): void {
    ctx.setTimer(`${retryTimer}${this.watches.indexOf(watch)}`, retryMs * (0.5 + ctx.random("retry")));
  }

  private reopen(ctx: Ctx): void {
    ctx.setTimer(reopenTimer, this.config.reopenEveryMs);
    const watch = this.watches[this.turn++ % this.watches.length]!;
    if (!watch.stream) return;
    ctx.close(watch.stream);
    watch.client.avoid(watch.client.server);
    this.close(watch, false, "given up", ctx);
  }
}
