import type { Container, Pod, PodSpec, ServiceAccount, Volume } from "../../../protocol/kinds/generated";
import type { ApiObject, Stored } from "../../../protocol/kinds/object";
import { forbidden } from "../../../protocol/status";
import { isOf, type Plugin } from "./admission";

/** Every Pod runs as a service account, "default" unless it says otherwise, and finds the account's token where clients look for it. */
export const serviceAccount: Plugin = {
  name: "ServiceAccount",
  needs: (admission) =>
    admission.operation === "CREATE" && isOf(admission, "", "pods")
      ? [
          {
            group: "",
            version: "v1",
            plural: "serviceaccounts",
            namespace: admission.namespace,
            name: accountName(specOf(admission.object)),
          },
        ]
      : [],
  mutate(admission) {
    const { operation, namespace, name, object, cluster, suffix } = admission;
    if (operation !== "CREATE" || !isOf(admission, "", "pods")) return object;
    // The kubelet's own picture of a Pod that it runs from a file: no account, no token.
    if (object.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return object;
    const spec = specOf(object);
    const account = accountName(spec);
    const found = cluster.get("", "v1", "serviceaccounts", namespace, account) as Stored<ServiceAccount> | undefined;
    if (!found)
      return forbidden(
        { group: "", resource: "pods", name },
        `error looking up service account ${namespace}/${account}: serviceaccount ${JSON.stringify(account)} not found`,
      );
    const named: PodSpec = { ...spec, serviceAccountName: account, serviceAccount: account };
    const secrets = spec.imagePullSecrets && spec.imagePullSecrets.length > 0 ? spec.imagePullSecrets : found.imagePullSecrets;
    const withSecrets = secrets && secrets.length > 0 ? { ...named, imagePullSecrets: secrets } : named;
    const mounts = spec.automountServiceAccountToken ?? found.automountServiceAccountToken ?? true;
    return { ...object, spec: mounts ? withToken(withSecrets, `kube-api-access-${suffix}`) : withSecrets } as ApiObject;
  },
};

const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const tokenSeconds = 3607;

function specOf(object: ApiObject): PodSpec {
  return (object as ApiObject & Pod).spec ?? { containers: [] };
}

function accountName({ serviceAccountName, serviceAccount }: PodSpec): string {
  return serviceAccountName || serviceAccount || "default";
}

/** Adds the volume with token, root certificate and namespace, mounted into each container that mounts nothing else there. */
function withToken(spec: PodSpec, fresh: string): PodSpec {
  const volumes = spec.volumes ?? [];
  const own = volumes.find(({ name, projected }) => name?.startsWith("kube-api-access-") && projected !== undefined);
  const name = own?.name ?? fresh;
  let mounted = false;
  const withMount = (container: Container): Container => {
    const mounts = container.volumeMounts ?? [];
    if (mounts.some((mount) => mount.mountPath === mountPath)) return container;
    mounted = true;
    return { ...container, volumeMounts: [...mounts, { name, readOnly: true, mountPath }] };
  };
  // What is missing is for the validation to say.
  const containers = (spec.containers ?? []).map(withMount);
  const initContainers = spec.initContainers?.map(withMount);
  if (!mounted) return spec;
  return {
    ...spec,
    containers,
    ...(initContainers ? { initContainers } : {}),
    volumes: own ? volumes : [...volumes, tokenVolume(name)],
  };
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      sources: [
        { serviceAccountToken: { expirationSeconds: tokenSeconds, path: "token" } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
      ],
      defaultMode: 0o644,
    },
  };
}
