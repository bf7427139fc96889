import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { Authority } from "../../runtime/live/certificates";
import { servingCertificate } from "../../runtime/live/pki";
import { describeWith } from "../real-programs";
import { Command } from "./commands";

jest.setTimeout(120_000);

describeWith(["kubectl"], "kubectl, with custom resources and a server of one's own", () => {
  const authority = Authority.create("mine");
  const directory = mkdtempSync(join(tmpdir(), "wavetank-custom-"));
  const seen: string[] = [];
  let up: Command;
  let kubeconfig: string;
  let mine: Server;

  beforeAll(async () => {
    const { certificate, key } = servingCertificate(authority, "mine", ["fruits.default.svc", "convert.default.svc"]);
    mine = createServer({ cert: certificate, key, requestCert: true, rejectUnauthorized: false }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const caller = (request.socket as TLSSocket).getPeerCertificate().subject?.CN;
        seen.push(`${request.method} ${new URL(request.url!, "https://mine").pathname} ${caller} ${request.headers["x-remote-user"]}`);
        response.setHeader("content-type", "application/json");
        response.end(JSON.stringify(answer(request.url!, Buffer.concat(chunks).toString())));
      });
    });
    await new Promise<void>((resolve) => mine.listen(0, "127.0.0.1", resolve));
    up = new Command(["up", "--control-plane-only", "--etcd", "1", "--listen", "127.0.0.1:0"], directory);
    kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    mine.closeAllConnections();
    await new Promise((resolve) => mine.close(resolve));
    rmSync(directory, { recursive: true });
  });

  const apiVersion = "metrics.example.com/v1";
  const apple = { apiVersion, kind: "Fruit", metadata: { name: "apple", namespace: "default" } };
  const fruits = { name: "fruits", singularName: "fruit", namespaced: true, kind: "Fruit", verbs: ["get", "list"] };
  const Fruit = {
    ...{ type: "object", description: "Fruit grows on trees.", properties: { colour: { type: "string", description: "How it looks." } } },
    "x-kubernetes-group-version-kind": [{ group: "metrics.example.com", version: "v1", kind: "Fruit" }],
  };
  const kind = Fruit["x-kubernetes-group-version-kind"][0];
  const paths = { "/apis/metrics.example.com/v1/namespaces/{namespace}/fruits": { get: { "x-kubernetes-group-version-kind": kind } } };
  function answer(url: string, body: string): unknown {
    if (url.startsWith("/convert")) {
      const { uid, objects, desiredAPIVersion } = JSON.parse(body).request;
      const convertedObjects = objects.map((each: object) => ({ ...each, apiVersion: desiredAPIVersion }));
      const response = { uid, result: { status: "Success" }, convertedObjects };
      return { apiVersion: "apiextensions.k8s.io/v1", kind: "ConversionReview", response };
    }
    if (url.endsWith("/apple")) return apple;
    if (url === "/openapi/v3")
      return { paths: { "apis/metrics.example.com/v1": { serverRelativeURL: "/openapi/v3/apis/metrics.example.com/v1?hash=1" } } };
    if (url.startsWith("/openapi/v3/"))
      return { openapi: "3.0.0", info: { title: "mine", version: "1" }, paths, components: { schemas: { Fruit } } };
    return { kind: "APIResourceList", apiVersion: "v1", groupVersion: apiVersion, resources: [fruits] };
  }

  function kubectl(args: string, input: unknown = undefined): Promise<string> {
    return new Promise((resolve) => {
      const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: directory };
      const child = execFile("kubectl", args.split(" "), { env, timeout: 60_000 }, (_error, stdout, stderr) => resolve(stdout + stderr));
      child.stdin!.end(input === undefined ? "" : JSON.stringify(input));
    });
  }

  test("a definition is established, its objects are got, explained, refused and scaled, in versions that a webhook converts", async () => {
    const { port } = mine.address() as AddressInfo;
    const service = { namespace: "default", name: "convert", path: "/convert" };
    const clientConfig = { caBundle: Buffer.from(authority.certificate).toString("base64"), service };
    const spec = { type: "object", properties: { replicas: { type: "integer", maximum: 5, description: "How many boxes." } } };
    const version = {
      schema: {
        openAPIV3Schema: { type: "object", properties: { spec, status: { type: "object", properties: { n: { type: "integer" } } } } },
      },
      subresources: { status: {}, scale: { specReplicasPath: ".spec.replicas", statusReplicasPath: ".status.n" } },
      additionalPrinterColumns: [{ name: "Replicas", type: "integer", jsonPath: ".spec.replicas" }],
    };
    const metadata = { name: "convert", namespace: "default" };
    const definition = {
      ...{ apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition", metadata: { name: "boxes.shop.example.com" } },
      spec: {
        ...{ group: "shop.example.com", scope: "Namespaced", names: { plural: "boxes", singular: "box", kind: "Box" } },
        conversion: { strategy: "Webhook", webhook: { conversionReviewVersions: ["v1"], clientConfig } },
        versions: [
          { name: "v1", served: true, storage: true, ...version },
          { name: "v2", served: true, storage: false, ...version },
        ],
      },
    };
    const items = [
      { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 443 }] } },
      {
        ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports: [{ name: "", port }] },
        metadata: { ...metadata, labels: { "kubernetes.io/service-name": "convert" } },
        endpoints: [{ addresses: ["127.0.0.1"] }],
      },
      definition,
    ];
    await kubectl("apply -f -", { apiVersion: "v1", kind: "List", items });
    expect(await kubectl("wait --for=condition=established crd/boxes.shop.example.com")).toContain("condition met");
    const box = (replicas: number) => ({ apiVersion: "shop.example.com/v1", kind: "Box", metadata: { name: "b" }, spec: { replicas } });
    expect(await kubectl("apply -f -", box(9))).toContain(
      "spec.replicas: Invalid value: 9: spec.replicas in body should be less than or equal to 5",
    );
    expect(await kubectl("apply -f -", box(2))).toBe("box.shop.example.com/b created\n");
    expect(await kubectl("get boxes.v1.shop.example.com")).toMatch(/^NAME\s+REPLICAS\nb\s+2\n$/);
    expect(await kubectl("explain box.spec.replicas")).toContain("How many boxes.");
    expect(await kubectl("get boxes.v2.shop.example.com b -o jsonpath={.apiVersion}")).toBe("shop.example.com/v2");
    expect(await kubectl("scale box b --replicas=4")).toBe("box.shop.example.com/b scaled\n");
    expect(await kubectl("get box b -o jsonpath={.spec.replicas}")).toBe("4");
    expect(seen.some((line) => line.startsWith("POST /convert "))).toBe(true);
    expect(await kubectl("delete crd boxes.shop.example.com")).toContain("deleted");
  });

  test("an APIService behind an ExternalName of this machine becomes available and gets requests with the user's name", async () => {
    const { port } = mine.address() as AddressInfo;
    const caBundle = Buffer.from(authority.certificate).toString("base64");
    const service = { name: "fruits", namespace: "default", port };
    const items = [
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "fruits", namespace: "default" },
        spec: { type: "ExternalName", externalName: "localhost" },
      },
      {
        ...{ apiVersion: "apiregistration.k8s.io/v1", kind: "APIService", metadata: { name: "v1.metrics.example.com" } },
        spec: { group: "metrics.example.com", version: "v1", caBundle, groupPriorityMinimum: 2000, versionPriority: 10, service },
      },
    ];
    await kubectl("apply -f -", { apiVersion: "v1", kind: "List", items });
    expect(await kubectl("wait --for=condition=available apiservice/v1.metrics.example.com --timeout=30s")).toContain("condition met");
    expect(await kubectl("get fruit apple -o name")).toBe("fruit.metrics.example.com/apple\n");
    expect(await kubectl("explain fruit.colour")).toContain("How it looks.");
    expect(seen).toContain("GET /apis/metrics.example.com/v1/namespaces/default/fruits/apple front-proxy-client kubernetes-admin");
  });
});
