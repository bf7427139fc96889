import type { Container, Probe, Service } from "../../../protocol/kinds/generated";
import { matchesLabelMap } from "../../../protocol/kinds/label-selector";
import type { Manifest } from "../../manifests";
import { type Adaptation, changed, eachWorkload } from "./adaptation";

/** A container listens on ports whether its manifest lists them or not: those that Services and probes name count as listed. */
export const ports: Adaptation = (manifests) => {
  const services = manifests.filter(({ kind }) => kind.kind === "Service" && kind.group === "");
  return eachWorkload(manifests, (workload, note) => {
    const { manifest, podPath, podSpec } = workload;
    const listed = new Set(podSpec.containers.flatMap(({ ports: own = [] }) => own.map(({ containerPort }) => containerPort)));
    const first = podSpec.containers[0];
    if (!first) return manifest;
    const missing: number[] = [];
    const add = (port: number) => {
      if (!listed.has(port) && !missing.includes(port)) missing.push(port);
    };
    for (const service of services) for (const port of targetsAt(service, workload)) add(port);
    for (const container of podSpec.containers) for (const port of probed(container)) add(port);
    if (missing.length === 0) return manifest;
    const path = [...podPath, "containers", 0];
    const which = missing.length === 1 ? `port ${missing[0]}` : `ports ${missing.join(", ")}`;
    note(path, which, `taken for granted: container ${first.name} listens there, as Services or probes expect`);
    const all = [...(first.ports ?? []), ...missing.map((containerPort) => ({ containerPort }))];
    return changed(manifest, [...path, "ports"], all);
  });
};

/** The numbers of the ports to which a Service sends what is meant for this workload. */
function targetsAt(
  { object }: Manifest,
  { namespace, labels }: { readonly namespace: string; readonly labels: Readonly<Record<string, string>> },
) {
  const { metadata, spec } = object as Service & { readonly metadata: { readonly namespace?: string } };
  if (metadata.namespace !== namespace || !matchesLabelMap(spec?.selector, labels)) return [];
  return (spec?.ports ?? []).flatMap(({ port, targetPort = port }) =>
    typeof targetPort === "number" && targetPort > 0 ? [targetPort] : [],
  );
}

function probed({ readinessProbe, livenessProbe, startupProbe }: Container): readonly number[] {
  const portOf = (probe: Probe | undefined) => probe?.httpGet?.port ?? probe?.tcpSocket?.port ?? probe?.grpc?.port;
  return [readinessProbe, livenessProbe, startupProbe].map(portOf).filter((port): port is number => typeof port === "number");
}
