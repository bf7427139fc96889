import type { ApiRequest } from "../../../protocol/api";
import type {
  FlowcontrolV1Subject,
  FlowSchema,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
} from "../../../protocol/kinds/generated";
import type { Stored } from "../../../protocol/kinds/object";
import type { User } from "../authentication/user";

/** Which flow a request belongs to: by the FlowSchemas, in the order of their precedence. */

export type Asked = Pick<ApiRequest, "verb" | "isResource" | "group" | "resource" | "subresource" | "namespace" | "path">;

/** FlowSchemas in the order in which they are tried: by matchingPrecedence, then by name. */
export function inOrder(schemas: readonly Stored<FlowSchema>[]): readonly Stored<FlowSchema>[] {
  const precedence = ({ spec }: Stored<FlowSchema>) => spec?.matchingPrecedence ?? 1000;
  return [...schemas].sort(
    (a, b) => precedence(a) - precedence(b) || (a.metadata.name < b.metadata.name ? -1 : a.metadata.name > b.metadata.name ? 1 : 0),
  );
}

/** Whether one of the schema's rules is about this user and this request. */
export function matches({ spec }: Pick<FlowSchema, "spec">, user: User, asked: Asked): boolean {
  return (spec?.rules ?? []).some((rule) => matchesRule(rule, user, asked));
}

/** What tells the flows of one schema apart: the user, the namespace, or nothing. */
export function distinguisher({ spec }: Pick<FlowSchema, "spec">, user: User, asked: Asked): string {
  switch (spec?.distinguisherMethod?.type) {
    case "ByUser":
      return user.name;
    case "ByNamespace":
      return asked.namespace;
    default:
      return "";
  }
}

function matchesRule({ subjects, resourceRules, nonResourceRules }: PolicyRulesWithSubjects, user: User, asked: Asked): boolean {
  if (!subjects.some((subject) => matchesSubject(subject, user))) return false;
  return asked.isResource
    ? (resourceRules ?? []).some((rule) => matchesResource(rule, asked))
    : (nonResourceRules ?? []).some((rule) => matchesPath(rule, asked));
}

function matchesSubject(subject: FlowcontrolV1Subject, user: User): boolean {
  const { group, serviceAccount } = subject;
  switch (subject.kind) {
    case "User":
      return subject.user?.name === "*" || subject.user?.name === user.name;
    case "Group":
      return group?.name === "*" || user.groups.includes(group?.name ?? "");
    case "ServiceAccount": {
      const prefix = `system:serviceaccount:${serviceAccount?.namespace}:`;
      return serviceAccount?.name === "*" ? user.name.startsWith(prefix) : user.name === prefix + serviceAccount?.name;
    }
    default:
      return false;
  }
}

const has = (list: readonly string[], value: string) => list.includes("*") || list.includes(value);

function matchesResource({ verbs, apiGroups, resources, namespaces, clusterScope }: ResourcePolicyRule, asked: Asked): boolean {
  const resource = asked.subresource === "" ? asked.resource : `${asked.resource}/${asked.subresource}`;
  if (!has(verbs, asked.verb) || !has(apiGroups, asked.group) || !has(resources, resource)) return false;
  return asked.namespace === "" ? clusterScope === true : has(namespaces ?? [], asked.namespace);
}

function matchesPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, { verb, path }: Asked): boolean {
  if (!has(verbs, verb)) return false;
  return nonResourceURLs.some((url) => url === "*" || url === path || (url.endsWith("/*") && path.startsWith(url.slice(0, -1))));
}
