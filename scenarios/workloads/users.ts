import type { EtcdRequest, EtcdResponse } from "../../protocol/etcd";
import type { AuthOperation, AuthResponse, Permission } from "../../protocol/etcd-auth";
import type { Context } from "../../runtime/actor";
import { bytes, EtcdProcesses, type EtcdProcessesConfig, processesConfig, processParams, putOf, rangeOf } from "./etcd-processes";
import type { Workload } from "./workload";

export const users: Workload = {
  name: "users",
  what: "Users of etcd with and without the rights that they need, some with a token from before the last change of rights, while their roles come and go and auth is turned on and off.",
  params: {
    ...processParams,
    prefix: { type: "string", minLength: 1, description: 'what the keys begin with; "users/" where not given' },
  },
  required: ["requestsPerSecond"],
  service: () => undefined,
  configure: (params, surroundings) => ({ type: "users", ...processesConfig(params, surroundings, "users/") }),
  start: (config) => new UserLoad(config as unknown as EtcdProcessesConfig),
};

type Ctx = Context<EtcdProcesses>;

const names = ["ada", "bob", "cleo"] as const;
const roles = ["readers", "writers"] as const;

class UserLoad extends EtcdProcesses {
  /** As of the last answer about auth: what a token is given out at. */
  private authRevision = 1;
  private rounds = 0;

  protected act(process: number, ctx: Ctx): void {
    const round = ++this.rounds;
    const changes = round <= setUp.length || ctx.random("what") < 0.35;
    const operation = changes ? (setUp[round - 1] ?? this.draw(ctx)) : undefined;
    const request: EtcdRequest = operation ? { kind: "etcd.auth", operation } : this.use(process, ctx);
    this.ask<EtcdResponse>(ctx, this.member(ctx), request, true, (outcome, later) => {
      const answered =
        outcome.type === "done" && outcome.response.kind === "etcd.auth.response" ? (outcome.response as AuthResponse) : undefined;
      if (answered) this.authRevision = Math.max(this.authRevision, answered.authRevision);
      const activity = operation?.type ?? request.kind.slice("etcd.".length);
      const detail = outcome.type === "done" ? "" : outcome.detail;
      later.record({ kind: "churn.done", activity, round, ok: outcome.type === "done", detail });
      if (this.working) this.pause(process, later);
    });
  }

  /** A change of rights. Root keeps his, so that auth can be turned on again. */
  private draw(ctx: Ctx): AuthOperation {
    const user = names[ctx.randomInt("user", names.length)]!;
    const role = roles[ctx.randomInt("role", roles.length)]!;
    const key = this.key(ctx);
    const permission: Permission = { type: role === "readers" ? "read" : "readwrite", key: bytes(key), rangeEnd: new Uint8Array(0) };
    const drawn: readonly AuthOperation[] = [
      { type: "enable", tokenKey: bytes("k".repeat(32)) },
      { type: "enable", tokenKey: bytes("l".repeat(32)) },
      { type: "disable" },
      { type: "userAdd", user, passwordHash: "" },
      { type: "userDelete", user },
      { type: "userGrantRole", user, role },
      { type: "userGrantRole", user, role },
      { type: "userRevokeRole", user, role },
      { type: "roleAdd", role },
      { type: "roleGrantPermission", role, permission },
      { type: "roleGrantPermission", role, permission },
      { type: "roleRevokePermission", role, key: permission.key, rangeEnd: permission.rangeEnd },
    ];
    return drawn[ctx.randomInt("operation", drawn.length)]!;
  }

  /** A user reads or writes, with a token of now or of a few changes ago. */
  private use(process: number, ctx: Ctx): EtcdRequest {
    const user = ctx.random("is root") < 0.2 ? "root" : names[ctx.randomInt("who", names.length)]!;
    const age = ctx.random("has an old token") < 0.4 ? 1 + ctx.randomInt("changes ago", 3) : 0;
    const as = { user, authRevision: Math.max(1, this.authRevision - age) };
    const key = this.key(ctx);
    if (ctx.random("reads") < 0.25) return { ...rangeOf(key), as };
    return { ...putOf(key, this.name(process, ctx)), as };
  }

  private key(ctx: Ctx): string {
    return `${this.config.prefix}${ctx.randomInt("key", 3)}`;
  }
}

/** What comes first. */
const setUp: readonly AuthOperation[] = [
  { type: "userAdd", user: "root", passwordHash: "" },
  { type: "roleAdd", role: "root" },
  { type: "userGrantRole", user: "root", role: "root" },
  ...roles.map((role): AuthOperation => ({ type: "roleAdd", role })),
  ...names.map((user): AuthOperation => ({ type: "userAdd", user, passwordHash: "" })),
  { type: "enable", tokenKey: bytes("k".repeat(32)) },
];
