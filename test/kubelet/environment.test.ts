import { environmentOf, expandReferences, isTooLong } from "../../actors/kubelet/environment";
import { hostFiles } from "../../actors/kubelet/host-files";
import { isTokenDue, tokenIn } from "../../actors/kubelet/pod-token";
import { serviceEnvironment } from "../../actors/kubelet/service-environment";
import { volumeFiles, wrongWithSubPaths } from "../../actors/kubelet/volume-files";
import type { Container, Pod, Service, Volume, VolumeMount } from "../../protocol/kinds/generated";
import type { JsonObject, Stored } from "../../protocol/kinds/object";

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: "web-1",
    namespace: "shop",
    uid: "u",
    labels: { app: "web" },
    resourceVersion: "1",
    creationTimestamp: "2026-11-25T00:00:00Z",
  },
  spec: { nodeName: "node-1", serviceAccountName: "default", containers: [] },
} as unknown as Stored<Pod>;
const node = { hostIp: "10.0.0.1", podIp: "10.244.0.2", capacity: { cpu: "4", memory: "8Gi" } };
const data = new Map([
  [
    "configmap/settings",
    new Map([
      ["COLOUR", "blue"],
      ["SIZE", "3"],
    ]),
  ],
  ["secret/token", new Map([["key", "s3cret"]])],
]);
const environment = (container: Partial<Container>) =>
  Object.fromEntries(environmentOf({ name: "c", ...container }, pod, (key) => data.get(key), node));

// Source: "Define Environment Variables for a Container", "Expose Pod Information to Containers Through Environment Variables".
describe("a container's environment", () => {
  test("comes from whole ConfigMaps and Secrets first, and single variables replace what came from them", () => {
    expect(
      environment({
        envFrom: [{ prefix: "APP_", configMapRef: { name: "settings" } }, { secretRef: { name: "absent", optional: true } }],
        env: [
          { name: "APP_SIZE", value: "9" },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "token", key: "key" } } },
          { name: "GONE", valueFrom: { configMapKeyRef: { name: "settings", key: "absent", optional: true } } },
        ],
      }),
    ).toEqual({ APP_COLOUR: "blue", APP_SIZE: "9", KEY: "s3cret" });
  });

  test("may refer to what stands before, and $$ stands for one $", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "$(A)-$(C)-$$(A)" },
      { name: "C", value: "2" },
    ];
    expect(environment({ env })).toMatchObject({ B: "1-$(C)-$(A)" });
    expect(expandReferences("$(", new Map())).toBe("$(");
  });

  test("whose variables double each other is too long for any program, and fills no memory", () => {
    const env = [{ name: "V0", value: "x".repeat(1_000) }];
    for (let n = 1; n < 60; n++) env.push({ name: `V${n}`, value: `$(V${n - 1})`.repeat(1_000) });
    const found = environmentOf({ name: "c", env }, pod, (key) => data.get(key), node);
    expect(isTooLong(found)).toBe(true);
    expect(found.reduce((sum, [, value]) => sum + value.length, 0)).toBeLessThan(16 * 1024 * 1024);
    expect(isTooLong([["A", "x".repeat(100_000)]])).toBe(false);
  });

  test("tells of the pod, its node and its resources, rounded up to the divisor", () => {
    const field = (name: string, fieldPath: string) => ({ name, valueFrom: { fieldRef: { fieldPath } } });
    const resource = (name: string, of: string, divisor?: string) => ({
      name,
      valueFrom: { resourceFieldRef: { resource: of, ...(divisor ? { divisor } : {}) } },
    });
    expect(
      environment({
        resources: { requests: { cpu: "250m", memory: "100Mi" }, limits: { memory: "200Mi" } },
        env: [
          ...[
            field("NAME", "metadata.name"),
            field("NS", "metadata.namespace"),
            field("NODE", "spec.nodeName"),
            field("IP", "status.podIP"),
          ],
          ...[
            field("HOST", "status.hostIP"),
            field("APP", "metadata.labels['app']"),
            resource("CPU", "requests.cpu"),
            resource("MILLI", "requests.cpu", "1m"),
          ],
          ...[resource("MEMORY", "limits.memory", "1Mi"), resource("CPUS", "limits.cpu")],
        ],
      }),
    ).toEqual({
      NAME: "web-1",
      NS: "shop",
      NODE: "node-1",
      IP: "10.244.0.2",
      HOST: "10.0.0.1",
      APP: "web",
      CPU: "1",
      MILLI: "250",
      MEMORY: "200",
      CPUS: "4",
    });
  });

  test("ends with what Services say of themselves, which replaces nothing and may be referred to", () => {
    const service = (namespace: string, name: string, clusterIP: string, ports: object[]) =>
      ({ metadata: { namespace, name }, spec: { clusterIP, ports } }) as unknown as Stored<Service>;
    const services = [
      service("default", "kubernetes", "10.96.0.1", [{ name: "https", port: 443 }]),
      service("default", "other", "10.96.0.9", [{ port: 1 }]),
      service("shop", "red-db", "10.96.0.2", [
        { name: "sql", port: 5432, protocol: "TCP" },
        { name: "stats", port: 90, protocol: "UDP" },
      ]),
      service("shop", "headless", "None", [{ port: 80 }]),
    ];
    const servicesOf = (namespace: string) => services.filter(({ metadata }) => metadata.namespace === namespace);
    const told = serviceEnvironment(pod, servicesOf);
    const container = {
      name: "c",
      env: [
        { name: "RED_DB_PORT", value: "mine" },
        { name: "URL", value: "$(RED_DB_SERVICE_HOST):$(RED_DB_PORT)" },
      ],
    };
    expect(Object.fromEntries(environmentOf(container, pod, () => undefined, node, told))).toEqual({
      KUBERNETES_SERVICE_HOST: "10.96.0.1",
      KUBERNETES_SERVICE_PORT: "443",
      KUBERNETES_SERVICE_PORT_HTTPS: "443",
      KUBERNETES_PORT: "tcp://10.96.0.1:443",
      KUBERNETES_PORT_443_TCP: "tcp://10.96.0.1:443",
      KUBERNETES_PORT_443_TCP_PROTO: "tcp",
      KUBERNETES_PORT_443_TCP_PORT: "443",
      KUBERNETES_PORT_443_TCP_ADDR: "10.96.0.1",
      RED_DB_SERVICE_HOST: "10.96.0.2",
      RED_DB_SERVICE_PORT: "5432",
      RED_DB_SERVICE_PORT_SQL: "5432",
      RED_DB_SERVICE_PORT_STATS: "90",
      RED_DB_PORT: "mine",
      RED_DB_PORT_5432_TCP: "tcp://10.96.0.2:5432",
      RED_DB_PORT_5432_TCP_PROTO: "tcp",
      RED_DB_PORT_5432_TCP_PORT: "5432",
      RED_DB_PORT_5432_TCP_ADDR: "10.96.0.2",
      RED_DB_PORT_90_UDP: "udp://10.96.0.2:90",
      RED_DB_PORT_90_UDP_PROTO: "udp",
      RED_DB_PORT_90_UDP_PORT: "90",
      RED_DB_PORT_90_UDP_ADDR: "10.96.0.2",
      URL: "10.96.0.2:mine",
    });
    const alone = { ...pod, spec: { ...pod.spec!, enableServiceLinks: false } };
    expect([...serviceEnvironment(alone, servicesOf).keys()].every((name) => name.startsWith("KUBERNETES_"))).toBe(true);
  });
});

// Sources: "Configure a Pod to Use a ConfigMap", "Expose Pod Information to Containers Through Files", "Projected Volumes", "Volumes: using subPath".
describe("the files that volumes show", () => {
  const volumes: readonly Volume[] = [
    { name: "settings", configMap: { name: "settings" } },
    {
      name: "mapped",
      configMap: {
        name: "settings",
        defaultMode: 0o400,
        items: [
          { key: "COLOUR", path: "to/colour" },
          { key: "SIZE", path: "size", mode: 0o440 },
        ],
      },
    },
    { name: "token", secret: { secretName: "token", defaultMode: 0o400 } },
    { name: "absent", configMap: { name: "absent", optional: true } },
    {
      name: "all",
      projected: {
        sources: [
          { configMap: { name: "settings", items: [{ key: "SIZE", path: "size" }] } },
          { secret: { name: "token", items: [{ key: "key", path: "my/key" }] } },
          {
            downwardAPI: {
              items: [
                { path: "labels", fieldRef: { fieldPath: "metadata.labels" } },
                { path: "cpu", resourceFieldRef: { containerName: "c", resource: "limits.cpu" } },
              ],
            },
          },
        ],
      },
    },
    { name: "own", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
  ];
  const files = (...volumeMounts: readonly VolumeMount[]) => {
    const container = { name: "c", volumeMounts };
    const mounted = { ...pod, spec: { ...pod.spec, containers: [container], volumes } } as unknown as Stored<Pod>;
    return volumeFiles(container, mounted, (key) => data.get(key), node, [["DIR", "to"]]);
  };

  test("are all keys, or those that are named under their paths, with the permissions that are asked for", () => {
    expect(
      files({ name: "settings", mountPath: "/etc/s/" }, { name: "absent", mountPath: "/none" }, { name: "own", mountPath: "/var/run" }),
    ).toEqual([
      ["/etc/s/COLOUR", "blue", 0o644],
      ["/etc/s/SIZE", "3", 0o644],
    ]);
    expect(files({ name: "mapped", mountPath: "/m" }, { name: "token", mountPath: "/t" })).toEqual([
      ["/m/to/colour", "blue", 0o400],
      ["/m/size", "3", 0o440],
      ["/t/key", "s3cret", 0o400],
    ]);
  });

  test("are put together by projections, with what the downward API tells", () => {
    expect(files({ name: "all", mountPath: "/p" })).toEqual([
      ["/p/size", "3", 0o644],
      ["/p/my/key", "s3cret", 0o644],
      ["/p/labels", 'app="web"', 0o644],
      ["/p/cpu", "4", 0o644],
    ]);
  });

  test("are the pod's tokens once it has them, and another is due after four fifths of its life (Configure Service Accounts for Pods)", () => {
    const [hourMs, dayMs] = [3_600_000, 86_400_000];
    const answer = (hours: number) => ({
      spec: { expirationSeconds: hours * 3_600 },
      status: { token: "T", expirationTimestamp: new Date(hours * hourMs).toISOString() },
    });
    const token = (hours: number) => tokenIn(answer(hours) as unknown as JsonObject, 0)!;
    expect(token(1)).toEqual({ token: "T", issuedMs: 0, expiresMs: hourMs });
    const due = (hours: number, ageMs: number) => isTokenDue(token(hours), ageMs);
    expect([due(1, 0.79 * hourMs), due(1, 0.8 * hourMs), due(100, 0.99 * dayMs), due(100, dayMs)]).toEqual([false, true, false, true]);
    const container = { name: "c", volumeMounts: [{ name: "own", mountPath: "/run" }], securityContext: { runAsUser: 7 } };
    const mode = (spec: object, runAsUser?: number) => {
      const containers = [{ ...container, securityContext: runAsUser === undefined ? {} : { runAsUser } }];
      const mounted = { ...pod, spec: { ...pod.spec, containers, volumes, ...spec } } as unknown as Stored<Pod>;
      return volumeFiles(container, mounted, () => undefined, node, [], new Map([["own/token", token(1)]]));
    };
    expect([mode({}), mode({}, 7), mode({ securityContext: { fsGroup: 1 } })]).toEqual([
      [["/run/token", "T", 0o644]],
      [["/run/token", "T", 0o600]],
      [["/run/token", "T", 0o640]],
    ]);
  });

  test("are what lies at the subPath, which may be named by variables", () => {
    expect(files({ name: "settings", mountPath: "/etc/colour", subPath: "COLOUR" })).toEqual([["/etc/colour", "blue", 0o644]]);
    expect(files({ name: "mapped", mountPath: "/m", subPathExpr: "$(DIR)" })).toEqual([["/m/colour", "blue", 0o400]]);
    expect(files({ name: "settings", mountPath: "/m", subPath: "nothing" })).toEqual([]);
  });

  test("lie where a mount's path leads, and not where none can lie", () => {
    expect(files({ name: "token", mountPath: "/a/../b//." })).toEqual([["/b/key", "s3cret", 0o400]]);
    // Quick, too: a pattern for slashes at the end would take minutes.
    const long = `/${"/".repeat(500_000)}x`;
    expect(files({ name: "token", mountPath: long })).toMatch(/^mount ".{200}…": file name too long$/);
    expect(files({ name: "settings", mountPath: "/..", subPath: "COLOUR" })).toBe('mount "/..": is a directory');
    const many = Array.from({ length: 5_001 }, (_, n) => ({ name: "settings", mountPath: `/m/${n}` }));
    expect(files(...many)).toBe('mount "/m/5000": no space left on device');
  });

  test("cannot be made where a subPathExpr is not known, is absolute or leads upwards (Variable Expansion)", () => {
    const wrong = (subPathExpr: string) =>
      wrongWithSubPaths({ name: "c", volumeMounts: [{ name: "v", mountPath: "/v", subPathExpr }] }, [
        ["UP", ".."],
        ["ROOT", "/tmp"],
        ["EMPTY", ""],
        ["DIR", "to"],
      ]);
    expect([wrong("$(DIR)/x"), wrong("$$(NONE)"), wrong("a..b")]).toEqual([undefined, undefined, undefined]);
    expect(wrong("$(NONE)/$(EMPTY)/$(DIR)")).toBe("missing value for EMPTY, NONE");
    expect(wrong("$(ROOT)")).toBe("error SubPath `/tmp` must not be an absolute path");
    expect(wrong("a/$(UP)")).toBe("unable to provision SubPath `a/..`: must not contain '..'");
  });
});

describe("the files that say how a pod finds others", () => {
  const files = (spec: object) =>
    Object.fromEntries(hostFiles({ ...pod, spec: { ...pod.spec, ...spec } } as unknown as Stored<Pod>, "10.244.0.2"));

  test("are as usual where nothing is said", () => {
    expect(files({ dnsPolicy: "ClusterFirst" })).toEqual({});
  });

  test("name the aliases of hosts (Kubelet should write entries to /etc/hosts)", () => {
    expect(files({ hostname: "box", subdomain: "boxes" })["/etc/hosts"]).toContain("\tbox.boxes.shop.svc.cluster.local\tbox\n");
    expect(files({ hostAliases: [{ ip: "10.1.2.3", hostnames: ["foo.remote", "bar.remote"] }] })).toEqual({
      "/etc/hosts":
        "# Kubernetes-managed hosts file.\n127.0.0.1\tlocalhost\n10.244.0.2\tweb-1\n\n# Entries added by HostAliases.\n10.1.2.3\tfoo.remote\tbar.remote\n",
    });
  });

  test("name the servers and search paths that are configured, beside the cluster's or instead (configurable pod DNS nameservers)", () => {
    const dnsConfig = {
      nameservers: ["1.1.1.1"],
      searches: ["resolv.conf.local", "cluster.local"],
      options: [{ name: "ndots", value: "2" }, { name: "edns0" }],
    };
    expect(files({ dnsPolicy: "None", dnsConfig })).toEqual({
      "/etc/resolv.conf": "search resolv.conf.local cluster.local\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
    });
    expect(files({ dnsPolicy: "ClusterFirst", dnsConfig })["/etc/resolv.conf"]).toBe(
      "search shop.svc.cluster.local svc.cluster.local cluster.local resolv.conf.local\nnameserver 10.96.0.10\nnameserver 1.1.1.1\noptions ndots:2 edns0\n",
    );
  });
});
