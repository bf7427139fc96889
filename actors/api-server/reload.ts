import type { ApiReload } from "../../protocol/api";
import type { Counter, Gauge, Registry } from "../metrics/registry";
import { anonymousChanged } from "./authentication/anonymous";
import { readAuthenticationConfiguration } from "./authentication/oidc/configuration";
import { compileMapping } from "./authentication/oidc/mapping";
import { newOidc } from "./authentication/oidc/provider";
import { defaultAuthorizers, readAuthorizationConfiguration } from "./authorization/configuration";
import { newAuthorizers } from "./authorization-chain";
import type { ApiServerConfig } from "./config";
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
  /** Of the file that is in use; not there where none is followed. */
  inUse: { readonly serverHash: string; readonly hash: string } | undefined;
}

export function newReloads(registry: Registry): Reloads {
  const figures = (what: ApiReload["what"]) => figuresOf(registry, what);
  return { encryption: figures("encryption"), authentication: figures("authentication"), authorization: figures("authorization") };
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
  const { what, hash, serverHash } = told;
  const figures = state.reloads[what];
  if (told.known) {
    figures.inUse = { serverHash, hash };
    return "done";
  }
  const read = readFileOf(told, state.config);
  const status = read.ok ? "success" : "failure";
  figures.reloads.add([status, serverHash]);
  figures.lastSeconds.set([status, serverHash], ctx.wallUs() / 1e6);
  if (!read.ok) {
    ctx.log("error", `the new ${what} configuration is refused: the one from before stays in use`, { hash, problems: read.problems });
    return "done";
  }
  figures.inUse = { serverHash, hash };
  ctx.log("info", `the ${what} configuration was read again`, { hash });
  return read.use(state);
}

/** What a server was told at its start: some parts of a file are not to change while it runs. */
type Started = Pick<ApiServerConfig, "anonymous" | "authorizers">;

type Read =
  | { readonly ok: true; readonly use: (state: ServerState) => "done" | "readAgain" }
  | { readonly ok: false; readonly problems: readonly string[] };

/** What is wrong with what a file says now; nothing where a server that was started so takes it. */
export function problemsOfReload(told: Pick<ApiReload, "what" | "document" | "fault">, started: Started): readonly string[] {
  const read = readFileOf(told, started);
  return read.ok ? [] : read.problems;
}

function readFileOf({ what, document, fault }: Pick<ApiReload, "what" | "document" | "fault">, started: Started): Read {
  return fault === "" ? readers[what](document, started) : { ok: false, problems: [fault] };
}

const readers: Readonly<Record<ApiReload["what"], (document: unknown, started: Started) => Read>> = {
  encryption(document) {
    const read = readEncryptionConfiguration(document);
    if (!read.ok) return read;
    const use = ({ etcd, feed }: ServerState) => {
      const resources = [...feed.caches.values()].map(({ resource }) => resource.kind);
      return etcd.vault.use(read.rules, resources) ? "readAgain" : "done";
    };
    return { ok: true, use };
  },
  authentication(document, { anonymous }) {
    const read = readAuthenticationConfiguration(document);
    if (!read.ok) return read;
    const unusable = read.jwt.flatMap((jwt, index) => compileMapping(jwt, `jwt[${index}]`).problems);
    const problems = [...unusable, ...anonymousChanged(anonymous, read.anonymous)];
    if (problems.length > 0) return { ok: false, problems };
    const use = (state: ServerState) => {
      state.oidc = newOidc(read.jwt, state.oidc);
      return "done" as const;
    };
    return { ok: true, use };
  },
  authorization(document, { authorizers: atStart = defaultAuthorizers }) {
    const read = readAuthorizationConfiguration(document);
    if (!read.ok) return read;
    const { authorizers } = read;
    // These two need what only a server has that began with them.
    const added = authorizers.filter(({ type }) => (type === "Node" || type === "RBAC") && !atStart.some((each) => each.type === type));
    if (added.length > 0)
      return {
        ok: false,
        problems: added.map(({ type }) => `authorizer type ${type} is not allowed if it was not enabled at initial server startup`),
      };
    const use = (state: ServerState) => {
      state.authorizers = newAuthorizers(authorizers);
      return "done" as const;
    };
    return { ok: true, use };
  },
};
