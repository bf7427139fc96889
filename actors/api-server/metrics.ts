import type { ApiResponse } from "../../protocol/api";
import { text } from "./health";
import type { ServerState } from "./state";

/** GET /metrics: a few of kube-apiserver's own figures, under its names, in Prometheus' text format. */
export function metrics(state: ServerState): ApiResponse {
  const lines = [
    ...family(
      "apiserver_storage_objects",
      "gauge",
      "Number of stored objects at the time of last check split by kind.",
      objectCounts(state),
    ),
    ...family("apiserver_longrunning_requests", "gauge", "Watches that are open, by resource.", watchCounts(state)),
    ...family("apiserver_requests_received_total", "counter", "Requests that have come in since this server started.", [
      ["", state.requests],
    ]),
    ...family("apiserver_watch_cache_revision", "gauge", "The etcd revision at which the watch caches stand.", [["", state.feed.revision]]),
  ];
  return { ...text(200, `${lines.join("\n")}\n`), contentType: "text/plain; version=0.0.4; charset=utf-8" };
}

type Sample = readonly [labels: string, value: number];

function family(name: string, type: "gauge" | "counter", help: string, samples: readonly Sample[]): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map(([labels, value]) => `${name}${labels} ${value}`)];
}

function objectCounts({ feed }: ServerState): readonly Sample[] {
  return [...feed.caches.values()].map((cache) => [`{resource=${JSON.stringify(cache.resource.name)}}`, cache.size] as const);
}

function watchCounts({ watchers }: ServerState): readonly Sample[] {
  return [...watchers.byResource].map(
    ([resource, open]) => [`{verb="WATCH",resource=${JSON.stringify(resource.name)}}`, open.size] as const,
  );
}
