import { certificateCleaner } from "../../../actors/controller-manager/certificate-cleaner";
import type { Credential } from "../../../protocol/api";
import { readCertificates } from "../../../protocol/x509";
import { requestCertificate } from "../../../runtime/live/certificates";
import { SimulatedSecrets } from "../../../runtime/simulated/secrets";
import { plan } from "../../controller-manager/bench";
import { type Json, type Reply, Tank } from "../server/tank";
import { controlled } from "./controlled";

const path = "/apis/certificates.k8s.io/v1/certificatesigningrequests";
const client = "kubernetes.io/kube-apiserver-client";
const kubelet = "kubernetes.io/kube-apiserver-client-kubelet";
const serving = "kubernetes.io/kubelet-serving";
const clientUsages = ["digital signature", "key encipherment", "client auth"];

function csr(name: string, commonName: string, organizations: readonly string[], spec: object = {}, names: readonly string[] = []) {
  const { request } = requestCertificate({ commonName, organizations }, names);
  const filled = { request: Buffer.from(request).toString("base64"), signerName: client, usages: clientUsages, ...spec };
  return { apiVersion: "certificates.k8s.io/v1", kind: "CertificateSigningRequest", metadata: { name }, spec: filled };
}

const as = (commonName: string, ...organizations: string[]): { credential: Credential } => ({
  credential: { type: "certificate", commonName, organizations },
});

const decided = (object: Json, type: string, more: object = {}) => ({
  ...object,
  status: { ...object.status, conditions: [...(object.status?.conditions ?? []), { type, status: "True", reason: "Test", ...more }] },
});

const issued = (reply: Reply) => readCertificates(Buffer.from(reply.body.status.certificate, "base64").toString())[0]!;

function allow(tank: Tank, name: string, subject: object, rules: readonly object[]) {
  const about = { apiGroup: "rbac.authorization.k8s.io" };
  tank.create("/apis/rbac.authorization.k8s.io/v1/clusterroles", { metadata: { name }, rules });
  const roleRef = { ...about, kind: "ClusterRole", name };
  tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
    metadata: { name },
    roleRef,
    subjects: [{ ...about, ...subject }],
  });
}

const rule = (resources: readonly string[], verbs: readonly string[], resourceNames?: readonly string[]) => ({
  apiGroups: ["certificates.k8s.io"],
  resources,
  verbs,
  ...(resourceNames ? { resourceNames } : {}),
});

describe("a CertificateSigningRequest", () => {
  const tank = new Tank();

  it("is stored in the name of whoever makes it, whatever it says itself", () => {
    allow(tank, "requester", { kind: "User", name: "ann" }, [rule(["certificatesigningrequests"], ["create"])]);
    const pretended = { username: "root", uid: "1", groups: ["system:masters"], extra: { a: ["b"] } };
    const made = tank.create(path, { ...csr("ann", "ann", ["dev"], pretended), status: { certificate: "eA==" } }, as("ann", "dev"));
    expect(made.code).toBe(201);
    expect(made.body.spec).toMatchObject({ username: "ann", groups: ["dev", "system:authenticated"] });
    expect(made.body.spec).not.toHaveProperty("uid");
    expect(made.body.spec).not.toHaveProperty("extra");
    expect(made.body.status).toEqual({});
  });

  it("is refused where it cannot be signed, with what is wrong where", () => {
    const wrong = {
      request: Buffer.from("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").toString("base64"),
      usages: ["client auth", "client auth", "world peace"],
      signerName: "nobody",
      expirationSeconds: 60,
    };
    const refused = tank.create(path, csr("wrong", "x", [], wrong));
    expect(refused.code).toBe(422);
    const causes = refused.body.details.causes.map(({ field, message }: Json) => `${field}: ${message}`);
    expect(causes).toEqual([
      expect.stringMatching(/^spec\.request: Invalid value: .*PEM block type must be CERTIFICATE REQUEST$/),
      'spec.usages[1]: Duplicate value: "client auth"',
      expect.stringMatching(/^spec\.usages\[2\]: Unsupported value: "world peace": supported values: "any", "cert sign",/),
      "spec.signerName: Invalid value: \"nobody\": must be a fully qualified domain and path of the form 'example.com/signer-name'",
      "spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 600 seconds (10 minutes)",
    ]);
    const legacy = tank.create(path, csr("legacy", "x", [], { signerName: "kubernetes.io/legacy-unknown" }));
    expect(legacy.body.message).toContain("the legacy signerName is not allowed via this API version");
  });

  it("never makes anybody a member of system:masters", () => {
    const refused = tank.create(path, csr("root", "root", ["system:masters"]));
    expect([refused.code, refused.body.message]).toEqual([
      403,
      `certificatesigningrequests.certificates.k8s.io "root" is forbidden: use of ${client} signer with system:masters group is not allowed`,
    ]);
  });

  it("is decided once, on approval alone, by those who may approve for its signer", () => {
    allow(tank, "approver", { kind: "User", name: "olga" }, [
      rule(["certificatesigningrequests", "certificatesigningrequests/approval"], ["get", "update"]),
      rule(["signers"], ["approve"], ["example.com/*"]),
    ]);
    const { body } = tank.get(`${path}/ann`);
    const refused = tank.put(`${path}/ann/approval`, decided(body, "Approved"), as("olga"));
    expect([refused.code, refused.body.message]).toEqual([
      403,
      `certificatesigningrequests.certificates.k8s.io "ann" is forbidden: user not permitted to approve requests with signerName "${client}"`,
    ]);
    const other = tank.create(path, csr("other", "x", [], { signerName: "example.com/own" })).body;
    const approved = tank.put(`${path}/other/approval`, decided(other, "Approved"), as("olga"));
    expect(approved.code).toBe(200);
    expect(approved.body.status.conditions[0]).toMatchObject({
      lastUpdateTime: expect.any(String),
      lastTransitionTime: expect.any(String),
    });

    // Neither is it taken back, nor turned round, nor decided by the back door.
    const message = (reply: Reply) => reply.body.message;
    const undone = { ...approved.body, status: { conditions: [] } };
    expect(message(tank.put(`${path}/other/approval`, undone))).toContain('updates may not remove a condition of type "Approved"');
    expect(message(tank.put(`${path}/other/approval`, decided(approved.body, "Denied")))).toContain("are mutually exclusive");
    expect(message(tank.put(`${path}/ann/status`, decided(body, "Approved")))).toContain(
      'updates may not add a condition of type "Approved"',
    );
    const respecified = { ...body, spec: { ...body.spec, usages: ["any"] } };
    expect(message(tank.put(`${path}/ann`, respecified))).toContain("field is immutable");
    expect(message(tank.put(`${path}/ann/approval`, decided(body, "Denied", { status: "False" })))).toContain(
      'Unsupported value: "False": supported values: "True"',
    );
  });

  it("gets its certificate in the status alone, once, from those who may sign for its signer", () => {
    allow(tank, "signer", { kind: "User", name: "sam" }, [
      rule(["certificatesigningrequests/status"], ["update"]),
      rule(["signers"], ["sign"], ["example.com/own"]),
    ]);
    const { body } = tank.get(`${path}/other`);
    const withCertificate = (certificate: string) => ({
      ...body,
      status: { ...body.status, certificate: Buffer.from(certificate).toString("base64") },
    });
    const junk = tank.put(`${path}/other/status`, withCertificate("x"), as("sam"));
    expect(junk.body.message).toContain(
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    );
    const foreign = tank.get(`${path}/ann`).body;
    expect(tank.put(`${path}/ann/status`, decided(foreign, "Failed"), as("sam")).body.message).toContain(
      `user not permitted to sign requests with signerName "${client}"`,
    );
  });
});

describe("the signers", () => {
  const tank = controlled([
    "certificatesigningrequest-signing",
    "certificatesigningrequest-approving",
    "certificatesigningrequest-cleaner",
  ]);
  const approve = (name: string) => {
    const approved = tank.put(`${path}/${name}/approval`, decided(tank.get(`${path}/${name}`).body, "Approved"));
    expect(approved.code).toBe(200);
    tank.simulation.runFor(2_000);
    return tank.get(`${path}/${name}`);
  };
  const failure = (reply: Reply) => reply.body.status.conditions.find(({ type }: Json) => type === "Failed")?.message;

  it("sign what is approved, for the time that was asked for and no longer than they may", () => {
    tank.create(path, csr("ann", "ann", ["dev"], { expirationSeconds: 3600 }));
    tank.create(path, csr("long", "ann", ["dev"], { expirationSeconds: 10 * 365 * 86_400 }));
    tank.simulation.runFor(2_000);
    expect(tank.get(`${path}/ann`).body.status).toEqual({});
    const short = issued(approve("ann"));
    expect(short).toMatchObject({ subject: { commonName: "ann", organizations: ["dev"] }, extendedKeyUsages: ["1.3.6.1.5.5.7.3.2"] });
    expect((short.notAfterMs - short.notBeforeMs) / 1000).toBe(3600 + 300);
    const long = issued(approve("long"));
    expect((long.notAfterMs - long.notBeforeMs) / 1000).toBe(365 * 86_400);
  });

  it.each([
    ["client, other usages", client, "ann", ["dev"], ["server auth"], [], "invalid usage for client certificate: server auth"],
    ["client, no usage", client, "ann", ["dev"], ["digital signature"], [], "missing required usage for client certificate: client auth"],
    ["kubelet, other group", kubelet, "system:node:a", ["dev"], clientUsages, [], "subject organization is not system:nodes"],
    ["kubelet, other name", kubelet, "ann", ["system:nodes"], clientUsages, [], "subject common name does not begin with system:node:"],
    ["kubelet, with names", kubelet, "system:node:a", ["system:nodes"], clientUsages, ["a.b"], "DNS subjectAltNames are not allowed"],
    [
      "kubelet, with addresses",
      kubelet,
      "system:node:a",
      ["system:nodes"],
      clientUsages,
      ["10.0.0.1"],
      "IP subjectAltNames are not allowed",
    ],
    ["kubelet, a usage more", kubelet, "system:node:a", ["system:nodes"], [...clientUsages, "server auth"], [], "usages did not match"],
    [
      "serving, no names",
      serving,
      "system:node:a",
      ["system:nodes"],
      ["digital signature", "server auth"],
      [],
      "DNS or IP subjectAltName is required",
    ],
    ["serving, client", serving, "system:node:a", ["system:nodes"], clientUsages, ["a.b"], "usages did not match"],
  ])("fail what they would not sign: %s", (title, signerName, commonName, organizations, usages, names, why) => {
    const name = title.replaceAll(/\W+/g, "-");
    tank.create(path, csr(name, commonName, organizations, { signerName, usages }, names));
    const reply = approve(name);
    expect(failure(reply)).toContain(why);
    expect(reply.body.status.conditions.at(-1)).toMatchObject({ type: "Failed", reason: "SignerValidationFailure" });
    expect(reply.body.status.certificate).toBeUndefined();
  });

  it("sign for a kubelet's server with its names, and leave other people's signers alone", () => {
    const usages = ["digital signature", "server auth"];
    tank.create(path, csr("serve", "system:node:a", ["system:nodes"], { signerName: serving, usages }, ["node-a", "10.0.0.1"]));
    expect(issued(approve("serve"))).toMatchObject({ dnsNames: ["node-a"], ipAddresses: ["10.0.0.1"] });
    tank.create(path, csr("foreign", "ann", [], { signerName: "example.com/own" }));
    expect(Object.keys(approve("foreign").body.status)).toEqual(["conditions"]);
  });

  it("a node that joins with a bootstrap token gets its client certificate without anybody's doing, and renews it itself", () => {
    const bind = (name: string, role: string, group: string) =>
      tank.create("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", {
        metadata: { name },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: role },
        subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "Group", name: group }],
      });
    const joining = "system:bootstrappers:kubeadm:default-node-token";
    const asked = { signerName: kubelet };
    bind("bootstrap", "system:node-bootstrapper", joining);
    tank.create("/api/v1/namespaces/kube-system/secrets", {
      metadata: { name: "bootstrap-token-abcdef" },
      type: "bootstrap.kubernetes.io/token",
      stringData: {
        "token-id": "abcdef",
        "token-secret": "0123456789abcdef",
        "usage-bootstrap-authentication": "true",
        "auth-extra-groups": joining,
      },
    });
    const token: { credential: Credential } = { credential: { type: "bearer", token: "abcdef.0123456789abcdef" } };
    const node = (name: string) => csr(name, "system:node:new", ["system:nodes"], asked);
    expect(tank.create(path, node("early"), token).code).toBe(201);
    tank.simulation.runFor(5_000);
    // Nobody has said yet that such nodes may have one.
    expect(tank.get(`${path}/early`).body.status).toEqual({});
    bind("approve", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", joining);
    bind("renew", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes");
    tank.create(path, node("joins"), token);
    tank.create(path, node("renews"), as("system:node:new", "system:nodes"));
    // Nobody renews what is another node's (NodeRestriction).
    const stolen = tank.create(path, csr("steals", "system:node:other", ["system:nodes"], asked), as("system:node:new", "system:nodes"));
    expect(stolen.code).toBe(403);
    tank.simulation.runFor(10_000);
    for (const name of ["joins", "renews"]) {
      const reply = tank.get(`${path}/${name}`);
      expect(reply.body.status.conditions).toMatchObject([{ type: "Approved", reason: "AutoApproved" }]);
      expect(issued(reply).subject).toEqual({ commonName: "system:node:new", organizations: ["system:nodes"] });
    }
    expect(tank.get(`${path}/joins`).body.spec.username).toBe("system:bootstrap:abcdef");
  });
});

describe("the cleaner", () => {
  const at = Date.parse("2026-01-01T00:00:00Z");
  const hourMs = 3_600_000;
  const request = (status: object): Json => ({
    ...csr("ann", "ann", []),
    metadata: { name: "ann", uid: "u", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
    status,
  });
  const condition = (type: string) => ({ type, status: "True", lastUpdateTime: "2026-01-01T00:00:00Z" });
  const signed = (ttlMs: number) => {
    const { request: asked } = requestCertificate({ commonName: "ann", organizations: [] });
    const span = { notBeforeMs: at, notAfterMs: at + ttlMs };
    const result = new SimulatedSecrets().perform({ type: "certificate", request: asked, usages: clientUsages, ...span });
    return result.ok ? Buffer.from(result.pem).toString("base64") : "";
  };

  it.each([
    ["denied", { conditions: [condition("Denied")] }, hourMs],
    ["failed", { conditions: [condition("Approved"), condition("Failed")] }, hourMs],
    ["issued", { conditions: [condition("Approved")], certificate: signed(24 * hourMs) }, hourMs],
    ["issued and past its time", { conditions: [condition("Approved")], certificate: signed(hourMs / 2) }, hourMs / 2],
    ["not looked at", {}, 24 * hourMs],
  ])("deletes what was %s when its time has come, and not before", (_title, status, afterMs) => {
    const objects = { certificatesigningrequests: [request(status)] };
    const early = plan(certificateCleaner, "ann", objects, { nowMs: at + afterMs - 1_000 });
    expect([early.writes, early.plan.requeueAfterMs]).toEqual([[], 1_000]);
    expect(plan(certificateCleaner, "ann", objects, { nowMs: at + afterMs }).writes).toMatchObject([{ do: "delete", name: "ann" }]);
  });

  it("leaves what waits for its signer", () => {
    const objects = { certificatesigningrequests: [request({ conditions: [condition("Approved")] })] };
    expect(plan(certificateCleaner, "ann", objects, { nowMs: at + 1000 * hourMs }).plan).toEqual({ steps: [] });
  });
});
