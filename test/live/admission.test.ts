import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Authority } from "../../runtime/live/certificates";
import { servingCertificate } from "../../runtime/live/pki";
import { describeWith } from "../real-programs";
import { Command } from "./commands";

jest.setTimeout(120_000);

describeWith(["kubectl"], "kubectl, with webhooks over HTTPS and admission policies", () => {
  const authority = Authority.create("mine");
  const directory = mkdtempSync(join(tmpdir(), "wavetank-admission-"));
  const seen: string[] = [];
  let up: Command;
  let kubeconfig: string;
  let mine: Server;

  beforeAll(async () => {
    const { certificate, key } = servingCertificate(authority, "mine", ["hook.default.svc", "localhost"]);
    mine = createServer({ cert: certificate, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const { pathname, search } = new URL(request.url!, "https://mine");
        const review = JSON.parse(Buffer.concat(chunks).toString());
        const { uid, operation, resource, name, object } = review.request;
        seen.push(`${request.method} ${pathname}${search} ${operation} ${resource.resource} ${name}`);
        response.setHeader("content-type", "application/json");
        const said = pathname === "/slow" ? undefined : { uid, ...answers[pathname]!(object) };
        if (said) response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: said }));
      });
    });
    await new Promise<void>((resolve) => mine.listen(0, "127.0.0.1", resolve));
    up = new Command(["up", "--etcd", "1", "--api-servers", "1", "--nodes", "1", "--listen", "127.0.0.1:0"], directory);
    kubeconfig = /kubeconfig=(.*)$/.exec(await up.line("ready "))![1]!;
  });
  afterAll(async () => {
    await up.stop("SIGKILL");
    mine.closeAllConnections();
    await new Promise((resolve) => mine.close(resolve));
    rmSync(directory, { recursive: true });
  });

  type Labelled = { readonly metadata: { readonly labels?: object } };
  const answers: Readonly<Record<string, (object: Labelled) => object>> = {
    "/deny": () => ({ allowed: false, status: { message: "not today", reason: "Forbidden", code: 403 } }),
    "/label": ({ metadata }) => ({
      ...{ allowed: true, warnings: ["labelled for you"], patchType: "JSONPatch" },
      patch: Buffer.from(JSON.stringify([{ op: "add", path: "/metadata/labels", value: { ...metadata.labels, hooked: "yes" } }])).toString(
        "base64",
      ),
    }),
  };

  function kubectl(args: string, input: unknown = undefined): Promise<string> {
    return new Promise((resolve) => {
      const env = { ...process.env, KUBECONFIG: kubeconfig, HOME: directory };
      const child = execFile("kubectl", args.split(" "), { env, timeout: 60_000 }, (_error, stdout, stderr) => resolve(stderr + stdout));
      child.stdin!.end(input === undefined ? "" : JSON.stringify(input));
    });
  }

  const apply = (...items: object[]) => kubectl("apply -f -", { apiVersion: "v1", kind: "List", items });
  const apiVersion = "admissionregistration.k8s.io/v1";
  const rule = (operation: string, resource: string, group = "") => ({
    ...{ apiGroups: [group], apiVersions: ["v1"], operations: [operation], resources: [resource] },
  });
  const webhook = (path: string, client: object, more: object = {}) => ({
    name: `${path}.example.com`,
    clientConfig: { caBundle: Buffer.from(authority.certificate).toString("base64"), ...client },
    ...{ admissionReviewVersions: ["v1"], sideEffects: "None", rules: [rule("CREATE", "configmaps")] },
    ...more,
  });
  const configuration = (kind: string, name: string, ...webhooks: object[]) => ({ apiVersion, kind, metadata: { name }, webhooks });

  /** Says it again until it says what is wanted: API servers hear of configurations a moment after they are stored. */
  async function eventually(args: string, wanted: string, undo?: string): Promise<string> {
    const deadline = performance.now() + 60_000;
    for (;;) {
      const said = await kubectl(args);
      if (said.includes(wanted) || performance.now() > deadline) return said;
      if (undo) await kubectl(undo);
    }
  }

  test("webhooks by URL and by Service refuse, change and warn; those that are not there refuse as well", async () => {
    const { port } = mine.address() as AddressInfo;
    const metadata = { name: "hook", namespace: "default" };
    await apply(
      { apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 443 }] } },
      {
        ...{ apiVersion: "discovery.k8s.io/v1", kind: "EndpointSlice", addressType: "IPv4", ports: [{ name: "", port }] },
        metadata: { ...metadata, labels: { "kubernetes.io/service-name": "hook" } },
        endpoints: [{ addresses: ["127.0.0.1"] }],
      },
      configuration("MutatingWebhookConfiguration", "label", webhook("label", { service: { ...metadata, path: "/label" } })),
    );
    expect(await eventually("create configmap a", "Warning: labelled for you", "delete configmap a")).toBe(
      "Warning: labelled for you\nconfigmap/a created\n",
    );
    expect(await kubectl("get configmap a -o jsonpath={.metadata.labels}")).toBe('{"hooked":"yes"}');
    expect(seen.at(-1)).toBe("POST /label?timeout=10s CREATE configmaps a");

    await apply(configuration("ValidatingWebhookConfiguration", "deny", webhook("deny", { url: `https://localhost:${port}/deny` })));
    expect(await eventually("create configmap b", "denied", "delete configmap b")).toBe(
      'Warning: labelled for you\nerror: failed to create configmap: admission webhook "deny.example.com" denied the request: not today\n',
    );
    const called =
      'failed to create configmap: Internal error occurred: failed calling webhook "deny.example.com": failed to call webhook: Post ';
    await apply(
      configuration(
        "ValidatingWebhookConfiguration",
        "deny",
        webhook("deny", { url: `https://localhost:${port}/slow` }, { timeoutSeconds: 1 }),
      ),
    );
    expect(await eventually("create configmap b", "/slow", "delete configmap b")).toContain(
      `${called}"https://localhost:${port}/slow?timeout=1s": context deadline exceeded`,
    );
    await apply(
      configuration("ValidatingWebhookConfiguration", "deny", webhook("deny", { url: "https://127.0.0.1:1/none", caBundle: undefined })),
    );
    expect(await eventually("create configmap b", "/none", "delete configmap b")).toContain(
      `${called}"https://127.0.0.1:1/none?timeout=10s": dial tcp 127.0.0.1:1: connect: connection refused`,
    );
    await apply(
      configuration(
        "ValidatingWebhookConfiguration",
        "deny",
        webhook("deny", { url: `https://localhost:${port}/deny`, caBundle: undefined }),
      ),
    );
    expect(await eventually("create configmap b", "x509", "delete configmap b")).toContain("x509: certificate signed by unknown authority");
    await kubectl("delete validatingwebhookconfiguration deny");
    await kubectl("delete mutatingwebhookconfiguration label");
  });

  test("a webhook may keep people from executing commands", async () => {
    const { port } = mine.address() as AddressInfo;
    await eventually("run web --image=web", "created", "delete pod web --now");
    expect(await kubectl("wait --for=condition=ready pod/web --timeout=60s")).toContain("condition met");
    expect(await kubectl("exec web -- echo hello")).toBe("hello\n");
    const rules = [rule("CONNECT", "pods/exec")];
    await apply(
      configuration("ValidatingWebhookConfiguration", "exec", webhook("deny", { url: `https://localhost:${port}/deny` }, { rules })),
    );
    expect(await eventually("exec web -- echo hello", "denied")).toContain(
      'admission webhook "deny.example.com" denied the request: not today',
    );
    expect(seen.at(-1)).toBe("POST /deny?timeout=10s CONNECT pods web");
    await kubectl("delete validatingwebhookconfiguration exec");
  });

  test("policies refuse, change, and have their types checked", async () => {
    const policy = (kind: string, name: string, spec: object) => ({ apiVersion, kind, metadata: { name }, spec });
    const onDeployments = { resourceRules: [{ ...rule("*", "deployments", "apps"), operations: ["CREATE", "UPDATE"] }] };
    await apply(
      policy("ValidatingAdmissionPolicy", "size", {
        matchConstraints: onDeployments,
        validations: [{ expression: "object.spec.replicas <= 3", message: "too many" }, { expression: "object.spec.replica != 7" }],
        failurePolicy: "Ignore",
      }),
      policy("ValidatingAdmissionPolicyBinding", "size", { policyName: "size", validationActions: ["Deny"] }),
      policy("MutatingAdmissionPolicy", "team", {
        ...{ matchConstraints: onDeployments, reinvocationPolicy: "Never" },
        mutations: [
          {
            patchType: "ApplyConfiguration",
            applyConfiguration: { expression: "Object{metadata: Object.metadata{labels: {'team': 'a'}}}" },
          },
        ],
      }),
      policy("MutatingAdmissionPolicyBinding", "team", { policyName: "team" }),
    );
    expect(await eventually("create deployment big --image=x --replicas=4", "denied", "delete deployment big")).toBe(
      "error: failed to create deployment: deployments.apps \"big\" is forbidden: ValidatingAdmissionPolicy 'size' with binding 'size' denied request: too many\n",
    );
    expect(await kubectl("create deployment small --image=x --replicas=2")).toBe("deployment.apps/small created\n");
    expect(await kubectl("get deployment small -o jsonpath={.metadata.labels}")).toBe('{"app":"small","team":"a"}');
    expect(await kubectl('patch deployment small -p {"spec":{"replicas":9}}')).toBe(
      "The deployments \"small\" is invalid: : ValidatingAdmissionPolicy 'size' with binding 'size' denied request: too many\n",
    );
    const warnings = "get validatingadmissionpolicy size -o jsonpath={.status.typeChecking.expressionWarnings[0].warning}";
    expect(await eventually(warnings, "undefined field")).toContain(
      "apps/v1, Kind=Deployment: ERROR: <input>:1:12: undefined field 'replica'\n",
    );
    expect(
      await apply(policy("ValidatingAdmissionPolicy", "odd", { matchConstraints: onDeployments, validations: [{ expression: "a > 1" }] })),
    ).toContain(
      'The ValidatingAdmissionPolicy "odd" is invalid: spec.validations[0].expression: Invalid value: "a > 1": compilation failed: ERROR: <input>:1:1: undeclared reference to \'a\'',
    );
  });
});
