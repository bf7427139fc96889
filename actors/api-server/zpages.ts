import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { pluginDefaults, pluginNames } from "./admission/plugin-names";
import type { Knob } from "./config";
import { versionInfo } from "./discovery/version";
import { text } from "./health";
import type { Ctx, ServerState } from "./state";
import { encodeJson } from "./storage/entry";

/**
 * /statusz and /flagz, for whoever looks into a server: a text, or where it is asked for as such an object of config.k8s.io. Both are on in 1.36 (gates
 * ComponentStatusz and ComponentFlagz). Between names and values stands what a real server draws from several.
 */
const versions: readonly string[] = ["v1beta1", "v1alpha1"];
const component = "kube-apiserver";
const warning =
  "Warning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.";

/** The answer for such a path; undefined for any other. */
export function zpage(state: ServerState, ctx: Ctx, { path, accept }: Pick<ApiRequest, "path" | "accept">): ApiResponse | undefined {
  switch (path) {
    case "/statusz": {
      const status = statusOf(state, ctx);
      return rendered(accept, "Statusz", status, () => statusText(status, state.metrics.startedSeconds * 1000));
    }
    case "/flagz": {
      const flags = flagsOf(state);
      const lines = Object.entries(flags).map(([name, value]) => `${name}=${value}`);
      return rendered(accept, "Flagz", { flags }, () => `\n${component} flagz\n${warning}\n\n${lines.join("\n")}\n`);
    }
    default:
      return undefined;
  }
}

function rendered(accept: string, kind: string, fields: object, asText: () => string): ApiResponse {
  for (const clause of accept === "" ? ["*/*"] : accept.split(",")) {
    const [type = "", ...parameters] = clause.split(";").map((part) => part.trim());
    if (type === "*/*" || type === "text/*" || type === "text/plain") return text(200, asText());
    const given = new Map(parameters.map((each) => each.split("=") as [string, string]));
    const version = versions.find((each) => each === given.get("v"));
    if (type !== "application/json" || version === undefined || given.get("g") !== "config.k8s.io" || given.get("as") !== kind) continue;
    const object = { kind, apiVersion: `config.k8s.io/${version}`, metadata: { name: component }, ...fields };
    return { kind: "api.response", code: 200, contentType: "application/json", headers: [], body: encodeJson(object) };
  }
  const known = ["text/plain", ...versions.map((version) => `application/json;v=${version};g=config.k8s.io;as=${kind}`)];
  return text(406, `only the following media types are accepted: ${known.join(", ")}\n`);
}

function statusOf(state: ServerState, ctx: Ctx) {
  const startedMs = Math.floor(state.metrics.startedSeconds) * 1000;
  return {
    startTime: new Date(startedMs).toISOString().replace(".000Z", "Z"),
    uptimeSeconds: Math.max(0, Math.floor(ctx.wallUs() / 1e6 - state.metrics.startedSeconds)),
    goVersion: versionInfo.goVersion,
    binaryVersion: `${versionInfo.major}.${versionInfo.minor}`,
    emulationVersion: `${versionInfo.emulationMajor}.${versionInfo.emulationMinor}`,
    paths: ["/debug", "/flagz", "/healthz", "/livez", "/metrics", "/readyz", "/statusz", "/version"],
  };
}

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

function statusText(status: ReturnType<typeof statusOf>, startedMs: number): string {
  const at = new Date(startedMs);
  const two = (n: number) => String(n).padStart(2, "0");
  const date = `${days[at.getUTCDay()]} ${months[at.getUTCMonth()]} ${String(at.getUTCDate()).padStart(2)}`;
  const started = `${date} ${at.toISOString().slice(11, 19)} UTC ${at.getUTCFullYear()}`;
  const { uptimeSeconds: up, goVersion, binaryVersion, emulationVersion, paths } = status;
  const lines = [
    `Started: ${started}`,
    `Up: ${Math.floor(up / 3600)} hr ${two(Math.floor(up / 60) % 60)} min ${two(up % 60)} sec`,
    `Go version: ${goVersion}`,
    `Binary version: ${binaryVersion}`,
    `Emulation version: ${emulationVersion}`,
    `Paths: ${paths.join(" ")}`,
  ];
  return `\n${component} statusz\n${warning}\n\n${lines.join("\n")}\n`;
}

/** Knobs that are flags of kube-apiserver's, by what they hold. */
const durations: readonly Knob[] = [
  ...([
    "etcd-compaction-interval",
    "event-ttl",
    "request-timeout",
    "service-account-max-token-expiration",
    "shutdown-delay-duration",
  ] as const),
];
const plain: readonly Knob[] = [
  ...(["default-not-ready-toleration-seconds", "default-unreachable-toleration-seconds", "default-watch-cache-size"] as const),
  ...(["goaway-chance", "max-mutating-requests-inflight", "max-requests-inflight"] as const),
];

/** What the server was told, under kube-apiserver's flags as far as it has them, sorted. */
function flagsOf({ knobs, config }: ServerState): Readonly<Record<string, string>> {
  const chosen = (on: boolean) =>
    pluginNames.filter((name) => pluginDefaults[name] !== on && knobs[`admission-plugin-${name}`] === Number(on)).join(",");
  const flags: [string, string][] = [
    ...durations.map((name): [string, string] => [name, goDuration(knobs[name])]),
    ...plain.map((name): [string, string] => [name, String(knobs[name])]),
    ["anonymous-auth", String(config.anonymous?.byFlag ? config.anonymous.enabled : true)],
    ["disable-admission-plugins", `[${chosen(false)}]`],
    ["enable-admission-plugins", `[${chosen(true)}]`],
    ["enable-priority-and-fairness", String(knobs["enable-priority-and-fairness"] === 1)],
    ["min-request-timeout", String(knobs["min-request-timeout"] / 1000)],
    ["service-cluster-ip-range", config.serviceCidr],
    ["service-node-port-range", `${knobs["service-node-port-first"]}-${knobs["service-node-port-last"]}`],
  ];
  return Object.fromEntries(flags.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** As Go writes a duration: "1h0m0s", "90ms". */
function goDuration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${ms}ms`;
  const [hours, minutes, seconds] = [Math.floor(ms / 3_600_000), Math.floor(ms / 60_000) % 60, (ms % 60_000) / 1000];
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}
