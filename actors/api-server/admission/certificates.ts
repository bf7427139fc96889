import type { CertificateSigningRequest } from "../../../protocol/kinds/generated";
import { forbidden } from "../../../protocol/status";
import { readCertificateRequest } from "../../../protocol/x509";
import { masters } from "../authentication/user";
import { authorize } from "../authorization/rbac";
import { semanticallyEqual } from "../objects/equality";
import { type Admission, isOf, type Plugin } from "./admission";
import { rbacIn } from "./rbac-view";

/** Who may decide about certificates, and which ones nobody gets. */

const group = "certificates.k8s.io";
const plural = "certificatesigningrequests";
const clientSigner = "kubernetes.io/kube-apiserver-client";

/** Whoever approves or denies a request has to be allowed to do so for its signer. */
export const certificateApproval: Plugin = {
  name: "CertificateApproval",
  validate(admission) {
    if (!isUpdateOf(admission, "approval") || mayForSigner(admission, "approve")) return undefined;
    return refuse(admission, `user not permitted to approve requests with signerName ${JSON.stringify(signerOf(admission))}`);
  },
};

/** Whoever puts a certificate or a condition into a request's status has to be allowed to sign for its signer. */
export const certificateSigning: Plugin = {
  name: "CertificateSigning",
  validate(admission) {
    if (!isUpdateOf(admission, "status")) return undefined;
    const [before, after] = [admission.old, admission.object].map((object) => (object as unknown as CertificateSigningRequest).status);
    const unchanged =
      (before?.certificate ?? "") === (after?.certificate ?? "") && semanticallyEqual(before?.conditions, after?.conditions);
    if (unchanged || mayForSigner(admission, "sign")) return undefined;
    return refuse(admission, `user not permitted to sign requests with signerName ${JSON.stringify(signerOf(admission))}`);
  },
};

/** Nobody gets a client certificate that makes them a member of system:masters, whom no role can hold back. */
export const certificateSubjectRestriction: Plugin = {
  name: "CertificateSubjectRestriction",
  validate(admission) {
    if (admission.operation !== "CREATE" || !isOf(admission, group, plural) || signerOf(admission) !== clientSigner) return undefined;
    const { spec } = admission.object as unknown as CertificateSigningRequest;
    const { subject } = readCertificateRequest(Buffer.from(spec.request ?? "", "base64").toString("latin1"));
    if (!subject.organizations.includes(masters)) return undefined;
    return refuse(admission, `use of ${clientSigner} signer with ${masters} group is not allowed`);
  },
};

function isUpdateOf({ operation, kind, subresource }: Admission, wanted: string): boolean {
  return operation === "UPDATE" && kind.group === group && kind.plural === plural && subresource === wanted;
}

function signerOf({ object, old }: Admission): string {
  return ((old ?? object) as unknown as CertificateSigningRequest).spec?.signerName ?? "";
}

/** By the signer's own name, or by all of its domain: "example.com/*". */
function mayForSigner(admission: Admission, verb: string): boolean {
  const signer = signerOf(admission);
  const [domain = ""] = signer.split("/");
  const attributes = { verb, isResource: true, group, version: "v1", resource: "signers", subresource: "", namespace: "", path: "" };
  const objects = rbacIn(admission.cluster);
  return [signer, `${domain}/*`].some((name) => authorize(admission.user, { ...attributes, name }, objects).allowed);
}

function refuse({ name }: Admission, why: string) {
  return forbidden({ group, resource: plural, name }, why);
}
