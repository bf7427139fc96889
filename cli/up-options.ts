import { isIP } from "node:net";
import { dirname, join, resolve } from "node:path";
import type { ApiServerConfig } from "../actors/api-server/config";
import type { ImageBehaviour } from "../actors/container-runtime/image-behaviour";
import { type ClusterShape, defaultShape } from "../scenarios/cluster";
import { readBehaviours } from "../scenarios/rehearse/behaviour-file";
import { readShape } from "../scenarios/shape";
import { formatProblem, readDocuments } from "../scenarios/source";
import { readAdmission } from "./admission-options";
import { type ApiServerFlags, readApiServerFlags } from "./api-server-flags";
import { type AuditFlags, type AuditOptions, readAudit } from "./audit-options";
import { strictSink } from "./audit-webhook";
import { type AuthenticationFlags, readAuthentication } from "./authentication-options";
import { type AuthorizationFlags, readAuthorization } from "./authorization-options";
import type { ConfigurationFile } from "./configuration-files";
import { readEncryption } from "./encryption-options";
import { InputError } from "./exit";
import { readText } from "./read-text";
import { readStorage, type StorageFlags, type StorageOptions } from "./storage-options";

/** What commander makes of the flags of `wavetank up`. */
export interface UpFlags extends AuthorizationFlags, AuditFlags, ApiServerFlags, StorageFlags, AuthenticationFlags {
  readonly config?: string;
  readonly etcd?: string;
  readonly apiServers?: string;
  readonly nodes?: string;
  readonly zones?: string;
  readonly data?: string;
  readonly listen: string;
  readonly joinListen?: string;
  readonly advertise?: string;
  readonly san: readonly string[];
  readonly kubeconfig?: string;
  readonly controlPlaneOnly?: boolean;
  readonly metricsServer?: boolean;
  readonly admissionControlConfigFile?: string;
  readonly encryptionProviderConfig?: string;
  readonly behaviour?: string;
  readonly metricsListen?: string;
  readonly encryptionProviderConfigAutomaticReload?: boolean;
  readonly json?: boolean;
  readonly logLevel: string;
}

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

export interface UpOptions {
  readonly shape: ClusterShape;
  /** A real etcd in the place of the cluster's own members. */
  readonly storage: StorageOptions | undefined;
  readonly data: string | undefined;
  readonly listen: Endpoint;
  readonly joinListen: Endpoint | undefined;
  /** Where components other than API servers show their figures; nowhere where not given. */
  readonly metricsListen: Endpoint | undefined;
  /** The name or address under which other machines reach this one. */
  readonly advertise: string;
  readonly names: readonly string[];
  readonly kubeconfig: string;
  /** The directory for what etcdctl shows and expects. */
  readonly etcdAccess: string;
  /** What API servers are told beside what the shape says. */
  readonly apiServer: Partial<ApiServerConfig>;
  /** How the containers of images behave, where not by the written default. */
  readonly behaviours: readonly ImageBehaviour[];
  readonly configurationFiles: readonly ConfigurationFile[];
  readonly audit: AuditOptions | undefined;
  readonly json: boolean;
  readonly logLevel: string;
}

const logLevels = ["debug", "info", "warn", "error", "silent"];

/** Checks the flags and reads the configuration. Throws an InputError that says which flag or line is wrong and what was expected. */
export function readUpOptions(flags: UpFlags): UpOptions {
  const storage = readStorage(flags);
  if (storage && flags.etcd !== undefined)
    throw new InputError(`--etcd ${flags.etcd}: with --storage the members of etcd are those of the storage`);
  const shape = { ...shapeOf(flags), ...(storage && { etcd: storage.authorities.length }) };
  const audit = readAudit(flags);
  const authorizers = readAuthorization(flags);
  const listen = endpoint("--listen", flags.listen);
  const joinListen = flags.joinListen === undefined ? undefined : endpoint("--join-listen", flags.joinListen);
  for (const [flag, name] of [
    ...(flags.advertise === undefined ? [] : [["--advertise", flags.advertise]]),
    ...flags.san.map((name) => ["--san", name]),
  ])
    if (!isName(name!)) throw new InputError(`${flag} ${name}: expected a host name or an IP address, without a port`);
  if (!logLevels.includes(flags.logLevel)) throw new InputError(`--log-level ${flags.logLevel}: expected one of ${logLevels.join(", ")}`);
  const data = flags.data === undefined ? undefined : resolve(flags.data);
  const isAnywhere = listen.host === "0.0.0.0" || listen.host === "::";
  const advertise = flags.advertise ?? (isAnywhere ? "127.0.0.1" : listen.host);
  const kubeconfig = resolve(flags.kubeconfig ?? (data === undefined ? join(".wavetank", "kubeconfig") : join(data, "kubeconfig")));
  const metricsListen = flags.metricsListen === undefined ? undefined : endpoint("--metrics-listen", flags.metricsListen);
  refuseSharedPorts({ "--listen": listen, "--join-listen": joinListen, "--metrics-listen": metricsListen });
  return {
    shape,
    storage,
    data,
    listen,
    joinListen,
    metricsListen,
    advertise,
    names: [...new Set([advertise, ...(isAnywhere ? [] : [listen.host]), ...flags.san])],
    kubeconfig,
    etcdAccess: join(data ?? dirname(kubeconfig), "etcd-client"),
    audit,
    apiServer: {
      ...(audit ? { audit: audit.policy } : {}),
      ...(audit?.webhook ? { auditStrict: strictSink(audit.webhook) } : {}),
      admission: readAdmission(flags.admissionControlConfigFile, String(flags.enableAdmissionPlugins ?? "")),
      ...readAuthentication(flags),
      ...(authorizers ? { authorizers } : {}),
      encryption: readEncryption(flags.encryptionProviderConfig),
    },
    behaviours: behavioursOf(flags.behaviour),
    configurationFiles: configurationFiles(flags),
    json: flags.json ?? false,
    logLevel: flags.logLevel,
  };
}

/** Two doors cannot have one port, unless they are at different addresses. */
function refuseSharedPorts(doors: Readonly<Record<string, Endpoint | undefined>>): void {
  const isAnywhere = ({ host }: Endpoint) => host === "0.0.0.0" || host === "::";
  const seen: [string, Endpoint][] = [];
  for (const [flag, door] of Object.entries(doors)) {
    if (door === undefined || door.port === 0) continue;
    const other = seen.find(
      ([, { host, port }]) => port === door.port && (host === door.host || isAnywhere(door) || isAnywhere({ host, port })),
    );
    if (other) throw new InputError(`${flag} ${authorityOf(door.host, door.port)}: ${other[0]} has that port already`);
    seen.push([flag, door]);
  }
}

function behavioursOf(file: string | undefined): readonly ImageBehaviour[] {
  if (file === undefined) return [];
  const { behaviours, problems } = readBehaviours({ file, text: readText(file) });
  if (problems.length > 0) throw new InputError(problems.map(formatProblem).join("\n"));
  return behaviours;
}

/** The files of authentication and authorization are always followed, that of encryption where the flag says so; all as in kube-apiserver. */
function configurationFiles(flags: UpFlags): readonly ConfigurationFile[] {
  const {
    authenticationConfig,
    authorizationConfig,
    encryptionProviderConfig: encryption,
    encryptionProviderConfigAutomaticReload: follows,
  } = flags;
  if (follows && encryption === undefined)
    throw new InputError("--encryption-provider-config-automatic-reload: --encryption-provider-config says which file that is");
  return [
    ...(authenticationConfig === undefined ? [] : [{ what: "authentication", file: resolve(authenticationConfig) } as const]),
    ...(authorizationConfig === undefined ? [] : [{ what: "authorization", file: resolve(authorizationConfig) } as const]),
    ...(follows && encryption !== undefined ? [{ what: "encryption", file: resolve(encryption) } as const] : []),
  ];
}

function shapeOf(flags: UpFlags): ClusterShape {
  const configured = flags.config === undefined ? defaultShape : readConfiguration(flags.config);
  const etcd = etcdMembers(flags.etcd, configured.etcd);
  return {
    ...configured,
    metricsServer: flags.metricsServer !== false && configured.metricsServer !== false,
    knobs: { ...configured.knobs, ...readApiServerFlags(flags) },
    etcd,
    apiServers: count("--api-servers", flags.apiServers, 1, configured.apiServers),
    nodes: flags.controlPlaneOnly ? 0 : count("--nodes", flags.nodes, 0, configured.nodes),
    zones: count("--zones", flags.zones, 1, configured.zones),
  };
}

/** Reads the file of `--config`. Throws an InputError. */
export function readConfiguration(file: string): ClusterShape {
  const { documents, problems } = readDocuments({ file, text: readText(file) }, "1.2");
  if (problems.length > 0) throw new InputError(problems.map(formatProblem).join("\n"));
  if (documents.length === 0) return defaultShape;
  if (documents.length > 1) throw new InputError(`${file}: expected one YAML document, found ${documents.length}`);
  const read = readShape(documents[0]!, [], documents[0]!.value);
  if (read.problems.length > 0) throw new InputError(read.problems.map(formatProblem).join("\n"));
  // Only in a scenario may etcd stand alone.
  for (const part of ["apiServers", "controllers"] as const)
    if (read.shape[part] === 0) throw new InputError(formatProblem(documents[0]!.problem([part], "expected 1 or more")));
  return read.shape;
}

/** How many members etcd is to have. Throws an InputError. */
export function etcdMembers(given: string | undefined, standard: number): number {
  const etcd = count("--etcd", given, 1, standard);
  if (etcd % 2 === 0 || etcd > 7) throw new InputError(`--etcd ${etcd}: expected 1, 3, 5 or 7 members`);
  return etcd;
}

/** A whole number in a flag, between `minimum` and 1000. Throws an InputError that names the flag. */
export function count(flag: string, text: string | undefined, minimum: number, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < minimum || value > 1000)
    throw new InputError(`${flag} ${text}: expected a whole number from ${minimum} to 1000`);
  return value;
}

/** "127.0.0.1:6443", "[::1]:6443" or ":6443" (all addresses) of a flag. Throws an InputError that names the flag. */
export function endpoint(flag: string, text: string, expected = "expected HOST:PORT, such as 127.0.0.1:6443"): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:[\]]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || port > 65_535 || (host !== "" && !isName(host))) throw new InputError(`${flag} ${text}: ${expected}`);
  return { host: host === "" ? "0.0.0.0" : host, port };
}

/** "HOST:PORT" as it stands in a URL. */
export function authorityOf(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

function isName(text: string): boolean {
  return isIP(text) !== 0 || /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(text);
}
