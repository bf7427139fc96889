import type { ApiRequest, ApiResponse } from "../../protocol/api";
import { admissionHelp } from "./admission/dynamic/counts";
import type { Tally } from "./call";
import { text } from "./health";
import type { ServerState } from "./state";

/** GET /metrics: a few of kube-apiserver's own figures, under its names, in Prometheus' text format. */
export function metrics(state: ServerState): ApiResponse {
  const lines = [
    ...family("apiserver_request_total", "counter", "Requests that were answered, by verb, resource and code.", [...state.answers]),
    ...family("apiserver_storage_objects", "gauge", "Objects that are stored, by resource.", objectCounts(state)),
    ...family("apiserver_longrunning_requests", "gauge", "Watches that are open, by resource.", watchCounts(state)),
    ...family("apiserver_watch_cache_resource_version", "gauge", "The revision at which the watch caches stand.", [
      ["", state.feed.revision],
    ]),
    ...[...state.admissions].flatMap(([name, samples]) => family(name, "counter", admissionHelp.get(name) ?? "", [...samples])),
  ];
  return { ...text(200, `${lines.join("\n")}\n`), contentType: "text/plain; version=0.0.4; charset=utf-8" };
}

/** Answers given so far, by the labels under which /metrics shows them. */
export type AnswerCounts = Map<string, number>;

/** Counts the answer to a request. */
export function tallyOf({ answers, served }: ServerState, request: ApiRequest): Tally {
  return (code) => {
    // Clients may ask for any name: what is not served is counted together.
    const kind = served.kindOfResource(request.group, request.version, request.resource);
    const { group = "", version = "", plural: resource = "" } = kind ?? {};
    const subresource = kind?.subresources.some(({ name }) => name === request.subresource) ? request.subresource : "";
    const verb = verbLabels.get(request.verb) ?? request.verb.toUpperCase();
    const shown = { verb, group, version, resource, subresource, code: String(code) };
    const labels = labelsOf(shown);
    answers.set(labels, (answers.get(labels) ?? 0) + 1);
  };
}

/** Kubernetes counts under the HTTP method where the verb has one. */
const verbLabels: ReadonlyMap<string, string> = new Map([
  ["create", "POST"],
  ["update", "PUT"],
]);

function labelsOf(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(",")}}`;
}

type Sample = readonly [labels: string, value: number];

function family(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labels} ${value}`)];
}

function objectCounts({ feed }: ServerState): readonly Sample[] {
  return [...feed.caches.values()].map((cache) => [labelsOf({ resource: cache.resource.name }), cache.size] as const);
}

function watchCounts({ watchers }: ServerState): readonly Sample[] {
  return [...watchers.byResource].map(([resource, open]) => [labelsOf({ verb: "WATCH", resource }), open.size] as const);
}
