import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import type { ApiServerConfig } from "../actors/api-server/config";
import { problemsOfReload } from "../actors/api-server/reload";
import { type Address, roleOf } from "../protocol/address";
import type { ApiAuditLost, ApiReload, ApiShutdown } from "../protocol/api";
import type { LiveWorld } from "../runtime/live/world";
import type { ClusterPlan } from "../scenarios/cluster";
import { withAccess } from "./authorization-options";
import { InputError } from "./exit";

/** A file of the API servers' configuration that is read again when it changes. */
export interface ConfigurationFile {
  readonly what: ApiReload["what"];
  readonly file: string;
}

/** What a file says to a server, and how it begins with one that starts again. */
type Told = Omit<ApiReload, "serverHash">;

/** How often files are looked at. kube-apiserver looks once a minute where it is not told of a change by the system. */
const everyMs = 500;

/**
 * Looks after configuration files and tells the API servers what they say when they change. Whether that is any good is theirs to judge; a server
 * that starts again while the cluster runs is told what was good last.
 */
export class ConfigurationFiles {
  private readonly accepted = new Map<ApiReload["what"], Told>();
  private readonly hashes = new Map<string, string>();
  /** Of what each said when the cluster started. */
  private readonly first = new Map<ApiReload["what"], string>();
  private readonly timer: NodeJS.Timeout;

  /** `send` tells one API server, each of which was started with `config`. */
  constructor(
    private readonly files: readonly ConfigurationFile[],
    private readonly config: Partial<ApiServerConfig>,
    private readonly servers: readonly Address[],
    private readonly send: (server: Address, body: ApiReload) => void,
  ) {
    for (const each of files) {
      const { hash } = readTold(each);
      this.hashes.set(each.file, hash);
      this.first.set(each.what, hash);
    }
    // They are read each time: what the system tells of changes is lost where a file is a link into a folder that is swapped as a whole.
    this.timer = setInterval(() => {
      for (const each of files) this.look(each);
    }, everyMs).unref();
  }

  /** To be called when an API server has started: what it was given at first may be out of date. */
  started(server: Address): void {
    for (const each of this.files) {
      const accepted = this.accepted.get(each.what);
      this.tell(
        server,
        accepted ?? { kind: "api.reload", what: each.what, document: null, fault: "", hash: this.first.get(each.what)!, known: true },
      );
    }
  }

  close(): void {
    clearInterval(this.timer);
  }

  private look(each: ConfigurationFile): void {
    const told = readTold(each);
    if (told.hash === this.hashes.get(each.file)) return;
    this.hashes.set(each.file, told.hash);
    if (problemsOfReload(told, this.config).length === 0) this.accepted.set(each.what, told);
    for (const server of this.servers) this.tell(server, told);
  }

  private tell(server: Address, told: Told): void {
    this.send(server, { ...told, serverHash: sha256(server) });
  }
}

/** Follows files for the API servers of a cluster in this process. Returns what ends it. */
export function followConfiguration(
  files: readonly ConfigurationFile[],
  config: Partial<ApiServerConfig>,
  world: LiveWorld,
  plan: ClusterPlan,
): () => void {
  if (files.length === 0) return () => undefined;
  const followed = new ConfigurationFiles(files, config, apiServersOf(plan), (server, body) => tellApiServer(world, plan, server, body));
  for (const server of apiServersOf(plan)) followed.started(server);
  const restarts = world.notable.subscribe(({ event }) => {
    if (event.type === "started" && roleOf(event.actor) === "apiserver") followed.started(event.actor);
  });
  return () => {
    followed.close();
    restarts.unsubscribe();
  };
}

export function apiServersOf({ hosts }: ClusterPlan): readonly Address[] {
  return hosts.flatMap(({ role, actors }) => (role === "apiserver" ? [actors[0]!.address] : []));
}

/** Says something to an API server by its own door, if it is up. */
export function tellApiServer(
  world: LiveWorld,
  { hosts }: ClusterPlan,
  server: Address,
  body: ApiShutdown | ApiReload | ApiAuditLost,
): void {
  const host = hosts.find(({ actors }) => actors[0]?.address === server)?.name;
  if (host !== undefined && world.hosts.get(host)?.up) world.portal(host, host).send(server, body);
}

function readTold({ what, file }: ConfigurationFile): Told {
  let text = "";
  try {
    text = readFileSync(file, "utf8");
    const document: unknown = parse(text);
    return {
      kind: "api.reload",
      what,
      document: what === "authorization" ? withAccess(document, file) : document,
      fault: "",
      hash: sha256(text),
    };
  } catch (error) {
    if (error instanceof InputError) return { kind: "api.reload", what, document: null, fault: error.message, hash: sha256(text) };
    // A YAML error shows the line it is about, and here that may be a key.
    const fault = (error as NodeJS.ErrnoException).code === undefined || text !== "" ? "this is no YAML" : (error as Error).message;
    return { kind: "api.reload", what, document: null, fault: `${file}: ${fault}`, hash: sha256(text) };
  }
}

function sha256(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}
