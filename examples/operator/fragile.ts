// The same operator as many are written at first, with two mistakes of kinds that Sieve found again and again (Sun and others, OSDI 2022).
//
// 1. Intermediate state: that the ConfigMap is there is taken for "this Database was set up". It is the first part that is made, so a crash behind it leaves a
//    Database that nobody ever finishes.
// 2. Unobserved state: parts have no owner; they are taken away when the operator sees that a Database is gone. What is deleted while the operator is down
//    it never sees, and the parts stay for ever.
import {
  type Controller,
  configMaps,
  create,
  keyOf,
  nothingToDo,
  patch,
  patchStatus,
  remove,
  services,
  statefulSets,
  watch,
} from "wavetank";
import { databases, partsOf } from "./parts";

const controller: Controller = {
  name: "database",
  watches: [
    watch(databases, (database) => [keyOf(database)]),
    watch(configMaps, () => []),
    watch(services, () => []),
    watch(statefulSets, (set) => [keyOf(set)]),
  ],
  reconcile(key, view, _moment, seen) {
    const database = view.of(databases).get(key);
    const set = view.of(statefulSets).get(key);
    const config = view.of(configMaps).get(key);
    const service = view.of(services).get(key);
    if (!database) {
      // Mistake 2: only who has seen the Database knows that these were its parts.
      if (seen !== true) return nothingToDo;
      const steps = [
        ...(set ? [remove(statefulSets, set)] : []),
        ...(service ? [remove(services, service)] : []),
        ...(config ? [remove(configMaps, config)] : []),
      ];
      return { steps, memory: null };
    }
    // Mistake 1: the first part stands for all of them.
    if (!config) {
      const parts = partsOf(database);
      return {
        steps: [create(configMaps, parts.config), create(services, parts.service), create(statefulSets, parts.members)],
        memory: true,
      };
    }
    const steps = [];
    if (set && set.spec?.replicas !== database.spec.replicas)
      steps.push(patch(statefulSets, set, "merge", { spec: { replicas: database.spec.replicas } }));
    const readyReplicas = set?.status?.readyReplicas ?? 0;
    const phase = readyReplicas >= database.spec.replicas ? "Ready" : "Creating";
    if (database.status?.phase !== phase || database.status?.readyReplicas !== readyReplicas)
      steps.push(patchStatus(databases, database, "merge", { status: { phase, readyReplicas } }));
    return { steps, memory: true };
  },
};

export default controller;
