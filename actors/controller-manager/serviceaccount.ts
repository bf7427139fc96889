import { type Controller, create, namespaces, nothingToDo, serviceAccounts, watch } from "../client";

/** Gives each namespace its ServiceAccount "default". */
export const serviceAccountController: Controller = {
  name: "serviceaccount",
  watches: [watch(namespaces, ({ metadata }) => [metadata.name]), watch(serviceAccounts, ({ metadata }) => [metadata.namespace ?? ""])],
  reconcile(key, view) {
    const namespace = view.of(namespaces).get(key);
    if (!namespace || namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating") return nothingToDo;
    if (view.of(serviceAccounts).get(`${key}/default`)) return nothingToDo;
    return { steps: [create(serviceAccounts, { metadata: { namespace: key, name: "default" } }, { ignore: ["AlreadyExists"] })] };
  },
};
