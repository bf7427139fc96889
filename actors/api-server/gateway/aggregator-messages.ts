import type { INamespace } from "protobufjs";

const meta = (name: string) => `.k8s.io.apimachinery.pkg.apis.meta.v1.${name}`;

/** The messages of APIServices, which lie in another library than the other kinds'. Source: kube-aggregator's protobuf definitions. */
export const apiRegistrationPackage = "k8s.io.kube_aggregator.pkg.apis.apiregistration.v1";

export const apiRegistrationMessages: INamespace = {
  nested: {
    APIService: {
      fields: {
        metadata: { type: meta("ObjectMeta"), id: 1 },
        spec: { type: "APIServiceSpec", id: 2 },
        status: { type: "APIServiceStatus", id: 3 },
      },
    },
    APIServiceList: {
      fields: { metadata: { type: meta("ListMeta"), id: 1 }, items: { rule: "repeated", type: "APIService", id: 2 } },
    },
    APIServiceSpec: {
      fields: {
        service: { type: "ServiceReference", id: 1 },
        group: { type: "string", id: 2 },
        version: { type: "string", id: 3 },
        insecureSkipTLSVerify: { type: "bool", id: 4 },
        caBundle: { type: "bytes", id: 5 },
        groupPriorityMinimum: { type: "int32", id: 7 },
        versionPriority: { type: "int32", id: 8 },
      },
    },
    APIServiceStatus: { fields: { conditions: { rule: "repeated", type: "APIServiceCondition", id: 1 } } },
    APIServiceCondition: {
      fields: {
        type: { type: "string", id: 1 },
        status: { type: "string", id: 2 },
        lastTransitionTime: { type: meta("Time"), id: 3 },
        reason: { type: "string", id: 4 },
        message: { type: "string", id: 5 },
      },
    },
    ServiceReference: {
      fields: { namespace: { type: "string", id: 1 }, name: { type: "string", id: 2 }, port: { type: "int32", id: 3 } },
    },
  },
};
