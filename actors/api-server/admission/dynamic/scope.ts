import type { Namespace } from "../../../../protocol/kinds/generated";
import type { Stored } from "../../../../protocol/kinds/object";
import { type CelEnvironment, type CelVariables, celEnvironment, kubernetesFunctions } from "../../cel/environment";
import { functionTable } from "../../cel/function";
import { toCel } from "../../cel/json";
import { parseTimestamp } from "../../cel/libraries/time";
import { bool, type CelType, dyn, int, listOf, mapOf, parseType, string, timestamp } from "../../cel/types";
import type { CelValue } from "../../cel/values";
import { Authorizer, authorizerFunctions, resourceCheck } from "./authorizer";
import { type Match, type Review, requestFacts } from "./review";

/** What expressions of admission may name: the types of the variables, and their values for a request. */

const object = (name: string, fields: Readonly<Record<string, CelType>>): CelType => ({
  kind: "object",
  name,
  fields: new Map(Object.entries(fields)),
});

const groupVersionKind = object("kubernetes.GroupVersionKind", { group: string, version: string, kind: string });
const groupVersionResource = object("kubernetes.GroupVersionResource", { group: string, version: string, resource: string });

const requestType = object("kubernetes.AdmissionRequest", {
  ...{ kind: groupVersionKind, resource: groupVersionResource, subResource: string },
  ...{ requestKind: groupVersionKind, requestResource: groupVersionResource, requestSubResource: string },
  ...{ name: string, namespace: string, operation: string, dryRun: bool, options: dyn },
  userInfo: object("kubernetes.UserInfo", {
    ...{ username: string, uid: string, groups: listOf(string) },
    extra: mapOf(string, listOf(string)),
  }),
});

const namespaceType = object("kubernetes.Namespace", {
  metadata: object("kubernetes.NamespaceMetadata", {
    ...{ name: string, generateName: string, namespace: string, uid: string, resourceVersion: string },
    ...{ labels: mapOf(string, string), annotations: mapOf(string, string), finalizers: listOf(string) },
    ...{ creationTimestamp: timestamp, deletionTimestamp: timestamp, deletionGracePeriodSeconds: int, generation: int },
  }),
  spec: object("kubernetes.NamespaceSpec", { finalizers: listOf(string) }),
  status: object("kubernetes.NamespaceStatus", { phase: string }),
});

const authorizerVariables = {
  authorizer: parseType("kubernetes.authorization.Authorizer"),
  "authorizer.requestResource": parseType("kubernetes.authorization.ResourceCheck"),
};

/** All functions of admission's expressions, put together once. */
const functions = functionTable([...kubernetesFunctions.values()].flat(), authorizerFunctions);

export interface ScopeOptions {
  readonly params?: boolean | CelType;
  readonly authorizer?: boolean;
  /** The types of the policy's own variables, `variables.x`. */
  readonly variables?: ReadonlyMap<string, CelType>;
  /** The type of `object` and `oldObject` where one is known; for checking types ahead. */
  readonly object?: CelType;
  readonly types?: ReadonlyMap<string, CelType>;
}

/** The environment of a policy's or webhook's expressions. */
export function scopeOf(options: ScopeOptions): CelEnvironment {
  const { params = false, authorizer = true, variables, object: own = dyn, types } = options;
  const plain = celEnvironment(
    {
      ...{ object: own, oldObject: own, request: requestType, namespaceObject: namespaceType },
      ...(params === false ? {} : { params: params === true ? dyn : params }),
      ...(authorizer ? authorizerVariables : {}),
      ...(variables ? { variables: { kind: "object", name: "kubernetes.variables", fields: variables } as CelType } : {}),
    },
    types ? { types } : {},
  );
  return { ...plain, functions: types ? functionTable([...functions.values()].flat(), jsonPatchFunctions) : functions };
}

/** Of mutations: how names become parts of JSON pointers. */
const jsonPatchFunctions = [
  {
    ...{ name: "jsonpatch.escapeKey", member: false, args: [string], result: string },
    run: (key: string) => key.replaceAll("~", "~0").replaceAll("/", "~1"),
  },
];

/** Whose question it is, and whom it may be asked of. */
export interface Scene {
  readonly review: Review;
  readonly match: Match;
  /** In the version of the match. */
  readonly object: Review["object"];
  readonly old: Review["old"];
  readonly namespace: Stored<Namespace> | undefined;
  readonly authorize: Authorizer["authorize"];
}

/** The variables' values. `params` is null where the binding names none. */
export function variablesOf(scene: Scene, params?: unknown): CelVariables {
  const { review, match, object, old, namespace, authorize } = scene;
  const authorizer = new Authorizer(authorize, review.user);
  return new Map<string, CelValue | (() => CelValue)>([
    ["object", once(() => toCel(object))],
    ["oldObject", once(() => toCel(old))],
    ["request", once(() => toCel(requestFacts(review, match)))],
    ["namespaceObject", once(() => namespaceValue(namespace))],
    ["params", once(() => toCel(params))],
    ["authorizer", authorizer],
    [
      "authorizer.requestResource",
      resourceCheck(authorizer, {
        ...{ group: match.kind.group, version: match.kind.version, resource: match.kind.plural },
        ...{ subresource: review.subresource, namespace: review.namespace, name: review.name },
      }),
    ],
  ]);
}

/** Several expressions share what was worked out for the first. */
function once(make: () => CelValue): () => CelValue {
  let made: { readonly value: CelValue } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function namespaceValue(namespace: Stored<Namespace> | undefined): CelValue {
  if (!namespace) return null;
  const { metadata, spec, status } = namespace;
  const known = namespaceType.kind === "object" ? namespaceType.fields.get("metadata") : undefined;
  const fields = known?.kind === "object" ? known.fields : new Map<string, CelType>();
  const shown = Object.entries(metadata)
    .filter(([name]) => fields.has(name))
    .map(([name, value]): readonly [CelValue, CelValue] => [
      name,
      fields.get(name) === timestamp ? (parseTimestamp(String(value)) ?? null) : toCel(value),
    ]);
  return new Map<CelValue, CelValue>([
    ["metadata", new Map(shown)],
    ["spec", toCel(spec?.finalizers ? { finalizers: spec.finalizers } : {})],
    ["status", toCel(status?.phase ? { phase: status.phase } : {})],
  ]);
}
