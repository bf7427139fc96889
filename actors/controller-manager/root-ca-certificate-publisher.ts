import { type Controller, configMaps, create, namespaces, nothingToDo, update, watch } from "../client";
import { isSame } from "./canonical";

const name = "kube-root-ca.crt";
const annotations = {
  "kubernetes.io/description": "The certificates by which the API servers of this cluster are known. Kept up to date by the control plane.",
};

/** Publishes the cluster's certificate authority in each namespace, as the ConfigMap that every pod's token volume mounts. */
export const rootCaCertificatePublisher: Controller = {
  name: "root-ca-certificate-publisher",
  watches: [
    watch(namespaces, ({ metadata }) => [metadata.name]),
    watch(configMaps, ({ metadata }) => (metadata.name === name ? [metadata.namespace ?? ""] : [])),
  ],
  reconcile(key, view, { settings }) {
    const namespace = view.of(namespaces).get(key);
    if (!namespace || namespace.metadata.deletionTimestamp !== undefined || namespace.status?.phase === "Terminating") return nothingToDo;
    const data = { "ca.crt": settings.rootCa };
    const published = view.of(configMaps).get(`${key}/${name}`);
    if (!published)
      return { steps: [create(configMaps, { metadata: { namespace: key, name, annotations }, data }, { ignore: ["AlreadyExists"] })] };
    return isSame(published.data, data) ? nothingToDo : { steps: [update(configMaps, { ...published, data })] };
  },
};
