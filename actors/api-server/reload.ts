import type { ApiReload } from "../../protocol/api";
import type { Counter, Gauge, Registry } from "../metrics/registry";
import { readAuthenticationConfiguration } from "./authentication/oidc/configuration";
import { compileMapping } from "./authentication/oidc/mapping";
import { newOidc } from "./authentication/oidc/provider";
import type { Ctx, ServerState } from "./state";
import { readEncryptionConfiguration } from "./storage/encryption/configuration";

/**
 * Configuration files that are read again when they change. A file that cannot be right leaves everything as it was: the log says why, and the
 * figures, under kube-apiserver's names, when that was and which file is in use.
 */
export type Reloads = Readonly<Record<ApiReload["what"], ReloadFigures>>;

interface ReloadFigures {
  readonly reloads: Counter;
  readonly lastSeconds: Gauge;
  /** Of the file that is in use; not there before the first reload. */
  inUse: { readonly serverHash: string; readonly hash: string } | undefined;
}

export function newReloads(registry: Registry): Reloads {
  return { encryption: figuresOf(registry, "encryption"), authentication: figuresOf(registry, "authentication") };
}

function figuresOf(registry: Registry, what: ApiReload["what"]): ReloadFigures {
  const name = `apiserver_${what}_config_controller`;
  const labels = ["status", "apiserver_id_hash"];
  const figures: ReloadFigures = {
    reloads: registry.counter(`${name}_automatic_reloads_total`, `Times that the ${what} configuration was read again.`, labels),
    lastSeconds: registry.gauge(
      `${name}_automatic_reload_last_timestamp_seconds`,
      `When the ${what} configuration was last read again, in seconds since 1970.`,
      labels,
    ),
    inUse: undefined,
  };
  const info = `The ${what} configuration in use.`;
  registry.computed("gauge", `${name}_last_config_info`, info, ["apiserver_id_hash", "hash"], () =>
    figures.inUse ? [{ labels: [figures.inUse.serverHash, figures.inUse.hash], value: 1 }] : [],
  );
  return figures;
}

/** Takes what a file says now, or says why not. Answers "readAgain" where everything in etcd is to be read again because of it. */
export function reload(state: ServerState, ctx: Ctx, told: ApiReload): "done" | "readAgain" {
  const { what, fault, hash, serverHash } = told;
  const result = fault !== "" ? [fault] : what === "encryption" ? reloadEncryption(state, told) : reloadAuthentication(state, told);
  const figures = state.reloads[what];
  const status = typeof result === "string" ? "success" : "failure";
  figures.reloads.add([status, serverHash]);
  figures.lastSeconds.set([status, serverHash], ctx.wallUs() / 1e6);
  if (typeof result !== "string") {
    ctx.log("error", `the new ${what} configuration is refused: the one from before stays in use`, { hash, problems: result });
    return "done";
  }
  figures.inUse = { serverHash, hash };
  ctx.log("info", `the ${what} configuration was read again`, { hash });
  return result;
}

type Result = "done" | "readAgain" | readonly string[];

function reloadEncryption({ etcd, feed }: ServerState, { document }: ApiReload): Result {
  const read = readEncryptionConfiguration(document);
  if (!read.ok) return read.problems;
  const resources = [...feed.caches.values()].map(({ resource }) => resource.kind);
  return etcd.vault.use(read.rules, resources) ? "readAgain" : "done";
}

function reloadAuthentication(state: ServerState, { document }: ApiReload): Result {
  const read = readAuthenticationConfiguration(document);
  if (!read.ok) return read.problems;
  const problems = read.jwt.flatMap((jwt, index) => compileMapping(jwt, `jwt[${index}]`).problems);
  if (problems.length > 0) return problems;
  state.oidc = newOidc(read.jwt, state.oidc);
  return "done";
}
