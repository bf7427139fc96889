import { humanDuration } from "../../../protocol/kinds/duration";
import type { CertificateSigningRequest, ClusterRoleBinding, RbacV1Subject, RoleBinding } from "../../../protocol/kinds/generated";
import { age, name, type Printer, text, wide } from "./column";
import { none } from "./phrases";

export const roleBindingPrinter: Printer<RoleBinding | ClusterRoleBinding> = {
  columns: [
    name(),
    text("Role", "The role that is granted.", (b) => `${b.roleRef.kind}/${b.roleRef.name}`),
    age(),
    wide(text("Users", "Users who get it.", (b) => subjects(b.subjects, "User"))),
    wide(text("Groups", "Groups whose members get it.", (b) => subjects(b.subjects, "Group"))),
    wide(text("ServiceAccounts", "Service accounts that get it.", (b) => subjects(b.subjects, "ServiceAccount"))),
  ],
};

function subjects(list: readonly RbacV1Subject[] | undefined, kind: string): string {
  return (list ?? [])
    .filter((s) => s.kind === kind)
    .map((s) => (kind === "ServiceAccount" && s.namespace ? `${s.namespace}/${s.name}` : s.name))
    .join(", ");
}

export const certificateSigningRequestPrinter: Printer<CertificateSigningRequest> = {
  columns: [
    name(),
    age(),
    text("SignerName", "Who is asked to sign.", (r) => r.spec.signerName || none),
    text("Requestor", "Who asks.", (r) => r.spec.username ?? ""),
    text("RequestedDuration", "For how long the certificate is wanted.", (r) => {
      return r.spec.expirationSeconds === undefined ? none : humanDuration(r.spec.expirationSeconds * 1_000);
    }),
    text("Condition", "Whether it was approved, denied, or issued.", (r) => {
      const has = (type: string) => (r.status?.conditions ?? []).some((c) => c.type === type);
      const decided = has("Denied") ? "Denied" : has("Approved") ? "Approved" : "Pending";
      const failed = has("Failed") ? ",Failed" : "";
      return `${decided}${failed}${r.status?.certificate ? ",Issued" : ""}`;
    }),
  ],
};
