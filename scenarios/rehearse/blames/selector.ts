import type { Service } from "../../../protocol/kinds/generated";
import { closest } from "../../closest";
import { objectId } from "../../history";
import type { Workload } from "../workload";
import { type Blame, countOf, type Evidence, failuresBy, placeOf, podsBehind } from "./blame";

export const selectorMatchesNothing: Blame = {
  name: "selector-matches-nothing",
  title: "a selector that matches no pod",
  what: "No pod ever had the labels that the Service selects, so nobody was ever there to answer.",
  find(evidence) {
    const { subject, service } = evidence;
    const failed = countOf(failuresBy(service, "no-endpoint"));
    if (failed === 0 || podsBehind(evidence).length > 0 || subject.workloads.length > 0) return [];
    const selector = Object.entries(subject.selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(",");
    const near = nearest(evidence);
    return [
      {
        failed,
        ...placeOf(subject.manifest, ["spec", "selector"]),
        setting: `selector ${selector}`,
        evidence: `No pod in namespace ${subject.namespace} has these labels: every request was refused.${near ? ` Near are the pods of ${near.id}.` : ""}`,
        fix: "Select the labels of the pods' template.",
        changes: near ? [{ type: "set", id: objectId(subject.manifest.object), path: ["spec", "selector"], value: near.labels }] : [],
      },
    ];
  },
};

/** The workload of the namespace that most likely was meant: by its labels' values, or by the Service's name. */
function nearest({ subject, subjects }: Evidence): Workload | undefined {
  const own = subjects.workloads.filter(({ namespace, labels }) => namespace === subject.namespace && Object.keys(labels).length > 0);
  const [, name = ""] = subject.service.split("/");
  const wanted = Object.values(subject.selector);
  const byLabel = own.find(({ labels }) => wanted.some((value) => closest(value, Object.values(labels)) !== undefined));
  return own.find((workload) => workload.name === name) ?? byLabel;
}

export const targetPortMissing: Blame = {
  name: "target-port-missing",
  title: "a target port that no container has",
  what: "The Service's pods were ready, but none has a port of the name to which it sends.",
  find(evidence) {
    const { subject, service } = evidence;
    const failed = countOf(failuresBy(service, "no-endpoint"));
    const ports = ((subject.manifest.object as Service).spec?.ports ?? []).entries();
    if (failed < service.requests || failed === 0) return [];
    return [...ports].flatMap(([i, { targetPort }]) => {
      const names = subject.workloads.flatMap(({ podSpec }) =>
        podSpec.containers.flatMap(({ ports: own = [] }) => own.map((one) => one.name)),
      );
      if (typeof targetPort !== "string" || subject.workloads.length === 0 || names.includes(targetPort)) return [];
      const known = names.filter((one): one is string => one !== undefined);
      const numbers = subject.workloads.flatMap(({ podSpec }) =>
        podSpec.containers.flatMap(({ ports: own = [] }) => own.map((one) => one.containerPort)),
      );
      const meant = closest(targetPort, known) ?? known[0] ?? numbers[0];
      return [
        {
          failed,
          ...placeOf(subject.manifest, ["spec", "ports", i, "targetPort"]),
          setting: `targetPort: ${targetPort}`,
          evidence: `No container of ${subject.workloads.map(({ id }) => id).join(", ")} names a port so${known.length > 0 ? ` (there is ${known.join(", ")})` : ""}: the pods are ready, and every request was refused.`,
          fix: "Name the port in the container, or send to a port that it names.",
          changes:
            meant === undefined
              ? []
              : [{ type: "set", id: objectId(subject.manifest.object), path: ["spec", "ports", i, "targetPort"], value: meant }],
        },
      ];
    });
  },
};

export const localTraffic: Blame = {
  name: "local-traffic-only",
  title: "traffic that stays on the node",
  what: "Requests came in at nodes without a pod of the Service, and its traffic policy keeps them there.",
  find({ subject, service }) {
    const failed = countOf(failuresBy(service, "no-local-endpoint"));
    if (failed === 0) return [];
    const nodes = failuresBy(service, "no-local-endpoint").map((one) => one.subject);
    return [
      {
        failed,
        ...placeOf(subject.manifest, ["spec", "internalTrafficPolicy"]),
        setting: "internalTrafficPolicy: Local",
        evidence: `Nobody answered on ${nodes.join(", ")}, where none of its pods stood.`,
        fix: "Use the policy Cluster, or run a pod on every node.",
        changes: [{ type: "set", id: objectId(subject.manifest.object), path: ["spec", "internalTrafficPolicy"], value: "Cluster" }],
      },
    ];
  },
};
