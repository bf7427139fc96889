import type { CustomResourceDefinition, ValidatingAdmissionPolicy } from "../../protocol/kinds/generated";
import { typeWarnings } from "../api-server/admission/type-checking";
import { type Controller, nothingToDo, resource, updateStatus, watch } from "../client";
import { customResourceDefinitions } from "../client/custom-resources";

export const validatingAdmissionPolicies = resource<ValidatingAdmissionPolicy>(
  "admissionregistration.k8s.io/v1",
  "ValidatingAdmissionPolicy",
);

/** Says in a policy's status what is wrong with its expressions for the types that it matches, once for each generation. */
export const validatingAdmissionPolicyStatus: Controller = {
  name: "validatingadmissionpolicy-status",
  customResources: "named",
  watches: [watch(validatingAdmissionPolicies, ({ metadata }) => [metadata.name])],
  reconcile(key, view) {
    const policy = view.of(validatingAdmissionPolicies).get(key);
    const generation = policy?.metadata.generation ?? 1;
    if (!policy || (policy.status?.observedGeneration ?? 0) >= generation) return nothingToDo;
    const definitions = view.of(customResourceDefinitions).list() as Iterable<CustomResourceDefinition>;
    const expressionWarnings = typeWarnings(policy, [...definitions]);
    const typeChecking = expressionWarnings.length > 0 ? { expressionWarnings } : {};
    const status = { ...policy.status, observedGeneration: generation, typeChecking };
    return { steps: [updateStatus(validatingAdmissionPolicies, { ...policy, status })] };
  },
};
