import type {
  ComponentStatus,
  ConfigMap,
  Event,
  EventSource,
  EventsV1Event,
  Namespace,
  Node,
  ResourceQuota,
  Secret,
  ServiceAccount,
} from "../../../protocol/kinds/generated";
import { humanAge } from "./age";
import { age, integer, name, type Printer, text, wide } from "./column";
import { none, unknown } from "./phrases";

export const namespacePrinter: Printer<Namespace> = {
  columns: [name(), text("Status", "Active, or Terminating while its contents are deleted.", (n) => n.status?.phase ?? ""), age()],
};

export const nodePrinter: Printer<Node> = {
  columns: [
    name(),
    text("Status", "Whether the node is ready, and whether it takes new Pods.", (node) => {
      const ready = node.status?.conditions?.find((c) => c.type === "Ready");
      const status = ready === undefined ? "Unknown" : ready.status === "True" ? "Ready" : "NotReady";
      return node.spec?.unschedulable ? `${status},SchedulingDisabled` : status;
    }),
    text("Roles", "What the node is for, from its node-role.kubernetes.io labels.", nodeRoles),
    age(),
    text("Version", "The kubelet's version.", (node) => node.status?.nodeInfo?.kubeletVersion ?? ""),
    wide(text("Internal-IP", "The node's address in the cluster.", (node) => nodeAddress(node, "InternalIP"))),
    wide(text("External-IP", "The node's address outside the cluster.", (node) => nodeAddress(node, "ExternalIP"))),
    wide(text("OS-Image", "The operating system the node runs.", (node) => node.status?.nodeInfo?.osImage || unknown)),
    wide(text("Kernel-Version", "The kernel the node runs.", (node) => node.status?.nodeInfo?.kernelVersion || unknown)),
    wide(text("Container-Runtime", "The container runtime.", (node) => node.status?.nodeInfo?.containerRuntimeVersion || unknown)),
  ],
};

const rolePrefix = "node-role.kubernetes.io/";

function nodeRoles(node: Node): string {
  const roles = new Set<string>();
  for (const [key, value] of Object.entries(node.metadata?.labels ?? {})) {
    if (key.startsWith(rolePrefix) && key.length > rolePrefix.length) roles.add(key.slice(rolePrefix.length));
    else if (key === "kubernetes.io/role" && value !== "") roles.add(value);
  }
  return roles.size === 0 ? none : [...roles].sort().join(",");
}

function nodeAddress(node: Node, type: string): string {
  return node.status?.addresses?.find((a) => a.type === type)?.address ?? none;
}

export const configMapPrinter: Printer<ConfigMap> = {
  columns: [
    name(),
    integer("Data", "Number of entries.", (c) => Object.keys(c.data ?? {}).length + Object.keys(c.binaryData ?? {}).length),
    age(),
  ],
};

export const secretPrinter: Printer<Secret> = {
  columns: [
    name(),
    text("Type", "What the Secret is for, and so which keys it must have.", (s) => s.type ?? "Opaque"),
    integer("Data", "Number of entries.", (s) => Object.keys(s.data ?? {}).length),
    age(),
  ],
};

export const serviceAccountPrinter: Printer<ServiceAccount> = {
  columns: [name(), integer("Secrets", "Number of Secrets its Pods may mount.", (s) => s.secrets?.length ?? 0), age()],
};

export const resourceQuotaPrinter: Printer<ResourceQuota> = {
  columns: [
    name(),
    text("Request", "Used and allowed, for everything but limits.", (q) => quotaText(q, (resource) => !resource.startsWith("limits."))),
    text("Limit", "Used and allowed, for limits.", (q) => quotaText(q, (resource) => resource.startsWith("limits."))),
    age(),
  ],
};

function quotaText(quota: ResourceQuota, wanted: (resource: string) => boolean): string {
  const { hard = {}, used = {} } = quota.status ?? {};
  const resources = Object.keys(hard).filter(wanted).sort();
  return resources.map((resource) => `${resource}: ${used[resource] ?? 0}/${hard[resource]}`).join(", ");
}

export const componentStatusPrinter: Printer<ComponentStatus> = {
  columns: [
    name(),
    text("Status", "Whether the component answers.", (c) => {
      const healthy = c.conditions?.find((condition) => condition.type === "Healthy");
      return healthy === undefined ? "Unknown" : healthy.status === "True" ? "Healthy" : "Unhealthy";
    }),
    text("Message", "What the component said.", (c) => c.conditions?.find((condition) => condition.type === "Healthy")?.message ?? ""),
    text("Error", "Why it could not be asked.", (c) => c.conditions?.find((condition) => condition.type === "Healthy")?.error ?? ""),
  ],
};

/** Both APIs of events in the words of the older one: what the columns need of them. */
interface EventFacts {
  readonly first: string | undefined;
  readonly last: string | undefined;
  readonly count: number;
  readonly object: { readonly kind?: string; readonly name?: string; readonly fieldPath?: string };
  readonly source: string;
  readonly message: string;
}

function facts(event: Event | EventsV1Event): EventFacts {
  const old =
    "involvedObject" in event
      ? {
          first: event.firstTimestamp,
          last: event.lastTimestamp,
          count: event.count,
          object: event.involvedObject,
          source: event.source,
          reporter: event.reportingComponent,
          message: event.message,
        }
      : {
          first: (event as EventsV1Event).deprecatedFirstTimestamp,
          last: (event as EventsV1Event).deprecatedLastTimestamp,
          count: (event as EventsV1Event).deprecatedCount,
          object: (event as EventsV1Event).regarding ?? {},
          source: (event as EventsV1Event).deprecatedSource,
          reporter: (event as EventsV1Event).reportingController,
          message: (event as EventsV1Event).note,
        };
  const first = old.first ?? event.eventTime ?? undefined;
  return {
    first,
    last: event.series?.lastObservedTime ?? old.last ?? first,
    count: event.series?.count ?? (old.count || 1),
    object: old.object,
    source: eventSource(old.source, old.reporter, event.reportingInstance),
    message: (old.message ?? "").trim(),
  };
}

function eventSource(source: EventSource | undefined, reporter: string | undefined, instance: string | undefined): string {
  const parts = [source?.component || reporter || "", source?.host || instance || ""];
  return parts.filter((part) => part !== "").join(", ");
}

export const eventPrinter: Printer<Event | EventsV1Event> = {
  columns: [
    text("Last Seen", "Time since this last happened.", (e, nowMs) => humanAge(facts(e).last, nowMs)),
    text("Type", "Normal or Warning.", (e) => e.type ?? ""),
    text("Reason", "What happened, in a word.", (e) => e.reason ?? ""),
    text("Object", "The object it happened to.", (e) => `${(facts(e).object.kind ?? "").toLowerCase()}/${facts(e).object.name ?? ""}`),
    wide(text("Subobject", "The part of the object it happened to.", (e) => facts(e).object.fieldPath ?? "")),
    wide(text("Source", "Who reported it.", (e) => facts(e).source)),
    text("Message", "What happened, in a sentence.", (e) => facts(e).message),
    wide(text("First Seen", "Time since this first happened.", (e, nowMs) => humanAge(facts(e).first, nowMs))),
    wide(integer("Count", "How often this happened.", (e) => facts(e).count)),
    wide(name()),
  ],
};
