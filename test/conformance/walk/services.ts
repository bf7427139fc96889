import type { Json } from "../../api-server/server/tank";
import { core, podSpec, type World } from "../world";

/** What Services, their endpoints and slices come to. */
export function services(w: World): void {
  const slicesOf = (ns: string, service: string): Json[] =>
    w.items(`/apis/discovery.k8s.io/v1/namespaces/${ns}/endpointslices?labelSelector=kubernetes.io%2Fservice-name%3D${service}`);
  const portsOf = (subsets: Json[] | undefined) =>
    (subsets ?? [])
      .flatMap(({ addresses, ports }) =>
        (addresses ?? []).flatMap(({ targetRef }: Json) => ports.map(({ port }: Json) => `${targetRef.name}:${port}`)),
      )
      .sort();
  const endpoints = (ns: string, name: string) =>
    w.gone(core(ns, `endpoints/${name}`)) ? undefined : portsOf(w.get(core(ns, `endpoints/${name}`)).subsets);
  const inSlices = (ns: string, name: string) =>
    slicesOf(ns, name)
      .flatMap(({ endpoints: all, ports }) =>
        (all ?? []).flatMap(({ targetRef }: Json) => (ports ?? []).map(({ port }: Json) => `${targetRef.name}:${port}`)),
      )
      .sort();
  const told = (ns: string, name: string, wanted: readonly string[]) =>
    w.until(
      () => endpoints(ns, name)?.join() === wanted.join() && inSlices(ns, name).join() === wanted.join(),
      `${name} has ${wanted.join() || "nobody"}`,
    );

  test("Services should serve a basic endpoint from pods, multiport endpoints from pods; EndpointSlice should create and delete Endpoints and EndpointSlices for a Service with a selector specified", () => {
    const ns = w.namespace();
    const ports = [
      { name: "one", port: 80, targetPort: "one" },
      { name: "two", port: 81, targetPort: "two" },
    ];
    w.post(core(ns, "services"), { metadata: { name: "s" }, spec: { selector: { app: "s" }, ports } });
    told(ns, "s", []);
    const pod = (name: string, port: string, containerPort: number) =>
      w.post(core(ns, "pods"), { metadata: { name, labels: { app: "s" } }, spec: podSpec({ ports: [{ name: port, containerPort }] }) });
    pod("pod1", "one", 100);
    told(ns, "s", ["pod1:100"]);
    pod("pod2", "two", 101);
    told(ns, "s", ["pod1:100", "pod2:101"]);
    w.delete(core(ns, "pods/pod1"));
    told(ns, "s", ["pod2:101"]);
    w.delete(core(ns, "pods/pod2"));
    told(ns, "s", []);
    w.delete(core(ns, "services/s"));
    w.until(() => w.gone(core(ns, "endpoints/s")) && slicesOf(ns, "s").length === 0, "endpoints and slices went with the Service");
  });

  test("EndpointSliceMirroring should mirror a custom Endpoints resource through create update and delete", () => {
    const ns = w.namespace();
    w.post(core(ns, "services"), { metadata: { name: "own" }, spec: { ports: [{ name: "example", port: 80 }] } });
    const subset = (ip: string) => [{ addresses: [{ ip }], ports: [{ name: "example", port: 80, protocol: "TCP" }] }];
    w.post(core(ns, "endpoints"), { metadata: { name: "own", labels: { app: "own" } }, subsets: subset("10.1.2.3") });
    const addresses = () => slicesOf(ns, "own").flatMap(({ endpoints: all }) => all.flatMap((one: Json) => one.addresses));
    w.until(() => addresses().join() === "10.1.2.3", "it is mirrored");
    const [slice] = slicesOf(ns, "own");
    expect(slice).toMatchObject({
      addressType: "IPv4",
      ports: [{ name: "example", port: 80, protocol: "TCP" }],
      metadata: {
        labels: { "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io", app: "own" },
        ownerReferences: [{ apiVersion: "v1", kind: "Endpoints", name: "own", controller: true, blockOwnerDeletion: true }],
      },
    });
    expect(slice.metadata.generateName).toBe("own-");
    w.patch(core(ns, "endpoints/own"), { subsets: subset("10.2.3.4") });
    w.until(() => addresses().join() === "10.2.3.4", "the change is mirrored");
    w.delete(core(ns, "endpoints/own"));
    w.until(() => slicesOf(ns, "own").length === 0, "the deletion is mirrored");
  });

  test("Services should be able to change the type from ClusterIP to ExternalName, from ExternalName to ClusterIP, from ExternalName to NodePort, from NodePort to ExternalName; switch session affinity", () => {
    const ns = w.namespace();
    const change = (spec: object) => w.patch(core(ns, "services/s"), { spec }).spec;
    const { spec } = w.post(core(ns, "services"), {
      metadata: { name: "s" },
      spec: { ports: [{ port: 80, name: "http" }], selector: { app: "s" } },
    });
    expect(spec).toMatchObject({ type: "ClusterIP", sessionAffinity: "None" });
    const outside = change({ type: "ExternalName", externalName: "far.example.com", clusterIP: null, clusterIPs: null });
    expect([outside.clusterIP, outside.clusterIPs]).toEqual([undefined, undefined]);
    const inside = change({ type: "ClusterIP", externalName: null });
    expect(inside.clusterIP).toMatch(/^10\./);
    change({ type: "ExternalName", externalName: "far.example.com", clusterIP: null, clusterIPs: null });
    const open = change({ type: "NodePort", externalName: null });
    expect(open).toMatchObject({ clusterIP: expect.stringMatching(/^10\./), ports: [{ nodePort: expect.any(Number) }] });
    const closed = change({ type: "ExternalName", externalName: "far.example.com", clusterIP: null, clusterIPs: null });
    expect([closed.clusterIP, closed.ports[0].nodePort]).toEqual([undefined, undefined]);
    expect(change({ type: "ClusterIP", externalName: null, sessionAffinity: "ClientIP" })).toMatchObject({
      sessionAffinity: "ClientIP",
      sessionAffinityConfig: { clientIP: { timeoutSeconds: 10800 } },
    });
    expect(change({ sessionAffinity: "None", sessionAffinityConfig: null }).sessionAffinityConfig).toBeUndefined();
  });
}
