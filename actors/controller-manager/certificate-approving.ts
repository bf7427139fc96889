import type { CertificateSigningRequest, SubjectAccessReview } from "../../protocol/kinds/generated";
import type { Stored } from "../../protocol/kinds/object";
import { type Controller, certificateSigningRequests, create, fail, nothingToDo, type Step, subjectAccessReviews, watch } from "../client";
import { hasCondition, parsedRequest, signers, withCondition, wrongWithKubeletClient } from "./certificate-request";

/**
 * Approves kubelets' requests for client certificates where whoever asks may have them: a node that joins with a bootstrap token may "create"
 * certificatesigningrequests/nodeclient, a node that renews its own certificate certificatesigningrequests/selfnodeclient.
 */
export const certificateApproving: Controller = {
  name: "certificatesigningrequest-approving",
  watches: [watch(certificateSigningRequests, ({ metadata }) => [metadata.name])],
  reconcile(key, view) {
    const request = view.of(certificateSigningRequests).get(key);
    if (!request || request.status?.certificate || hasCondition(request, "Approved") || hasCondition(request, "Denied")) return nothingToDo;
    const grounds = groundsFor(request);
    return grounds.length === 0 ? nothingToDo : { steps: tryEach(request, grounds) };
  },
};

interface Ground {
  readonly permission: string;
  readonly message: string;
}

function groundsFor(request: Stored<CertificateSigningRequest>): readonly Ground[] {
  const asked = parsedRequest(request);
  if (request.spec.signerName !== signers.kubeletClient || !asked || wrongWithKubeletClient(asked, request.spec.usages ?? [])) return [];
  const isOwn = request.spec.username === asked.subject.commonName;
  return [
    ...(isOwn
      ? [{ permission: "selfnodeclient", message: "Auto approving self kubelet client certificate after SubjectAccessReview." }]
      : []),
    { permission: "nodeclient", message: "Auto approving kubelet client certificate after SubjectAccessReview." },
  ];
}

/** One question after the other, until one is answered with yes. */
function tryEach(request: Stored<CertificateSigningRequest>, [ground, ...others]: readonly Ground[]): readonly Step[] {
  if (!ground) {
    const { name } = request.metadata;
    return [fail(`recognized csr ${JSON.stringify(name)} as [selfnodeclient nodeclient] but subject access review was not approved`)];
  }
  const { username = "", uid, groups, extra } = request.spec;
  const resourceAttributes = {
    ...{ group: "certificates.k8s.io", resource: "certificatesigningrequests", verb: "create", subresource: ground.permission },
    ...{ version: "*" },
  };
  const review: SubjectAccessReview = {
    spec: { user: username, ...(uid ? { uid } : {}), ...(groups ? { groups } : {}), ...(extra ? { extra } : {}), resourceAttributes },
  };
  return [
    create(subjectAccessReviews, review, {
      after: (result) => {
        if (!result.ok) return [];
        if (result.object.status?.allowed !== true) return tryEach(request, others);
        const approved = withCondition(request, { type: "Approved", reason: "AutoApproved", message: ground.message });
        return [{ do: "update", resource: certificateSigningRequests, subresource: "approval", object: approved }];
      },
    }),
  ];
}
