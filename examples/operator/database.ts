// An operator that makes a Database of a ConfigMap, a headless Service and a StatefulSet. Each look at a Database compares every part with what it should
// be, so a look that was cut short is made up for by the next one; and each part names its owner, so the garbage collector takes it away whether or not
// anybody saw the deletion.
import {
  type Controller,
  configMaps,
  controllerOf,
  controllerReference,
  create,
  keyOf,
  nothingToDo,
  patch,
  patchStatus,
  type Resource,
  type Step,
  type Stored,
  services,
  statefulSets,
  watch,
} from "wavetank";
import { databases, partsOf } from "./parts";

/** The key of the Database that a part belongs to. */
function ownerKeys(part: Stored<unknown>): readonly string[] {
  const owner = controllerOf(part);
  return owner?.kind === "Database" ? [`${part.metadata.namespace}/${owner.name}`] : [];
}

const controller: Controller = {
  name: "database",
  watches: [
    watch(databases, (database) => [keyOf(database)]),
    watch(configMaps, ownerKeys),
    watch(services, ownerKeys),
    watch(statefulSets, ownerKeys),
  ],
  reconcile(key, view) {
    const database = view.of(databases).get(key);
    if (!database || database.metadata.deletionTimestamp) return nothingToDo;
    const { config, service, members } = partsOf(database);
    const owned = <T extends { readonly metadata?: object }>(part: T): T => ({
      ...part,
      metadata: { ...part.metadata, ownerReferences: [controllerReference(database)] },
    });
    const steps: Step[] = [];
    const ensure = <T extends { readonly metadata?: object }>(resource: Resource<T>, part: T) => {
      if (!view.of(resource).get(key)) steps.push(create(resource, owned(part), { ignore: ["AlreadyExists"] }));
    };
    ensure(configMaps, config);
    ensure(services, service);
    ensure(statefulSets, members);
    const set = view.of(statefulSets).get(key);
    if (set && set.spec?.replicas !== database.spec.replicas)
      steps.push(patch(statefulSets, set, "merge", { spec: { replicas: database.spec.replicas } }));
    const readyReplicas = set?.status?.readyReplicas ?? 0;
    const phase = readyReplicas >= database.spec.replicas ? "Ready" : "Creating";
    if (database.status?.phase !== phase || database.status?.readyReplicas !== readyReplicas)
      steps.push(patchStatus(databases, database, "merge", { status: { phase, readyReplicas } }));
    return { steps };
  },
};

export default controller;
