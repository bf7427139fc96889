import { type Operator, parseLabelSelector, type Requirement } from "../../../protocol/kinds/label-selector";
import type { User } from "../authentication/user";
import type { Attributes } from "./attributes";

/** The spec of a SubjectAccessReview as a webhook gets it: what is empty is not there. */
export interface ReviewSpec {
  readonly resourceAttributes?: Readonly<Record<string, unknown>>;
  readonly nonResourceAttributes?: Readonly<Record<string, unknown>>;
  readonly user?: string;
  readonly groups?: readonly string[];
  readonly uid?: string;
  readonly extra?: User["extra"];
}

/** What is asked of somebody, as authorization.k8s.io/v1 says it. */
export function reviewSpec({ name: user, uid, groups, extra }: User, wanted: Attributes): ReviewSpec {
  const { verb, isResource, group, version, resource, subresource, namespace, name, path, selectors } = wanted;
  const about = isResource
    ? {
        resourceAttributes: {
          ...present({ namespace, verb, group, version, resource, subresource, name }),
          ...selectorOf("fieldSelector", fieldRequirements(selectors?.field ?? "")),
          ...selectorOf("labelSelector", labelRequirements(selectors?.label ?? "")),
        },
      }
    : { nonResourceAttributes: present({ path, verb }) };
  return {
    ...about,
    ...present({ user }),
    ...(groups.length > 0 ? { groups } : {}),
    ...(Object.keys(extra).length > 0 ? { extra } : {}),
    ...present({ uid }),
  };
}

function present(texts: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => text !== ""));
}

interface SentRequirement {
  readonly key: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

function selectorOf(field: string, requirements: readonly SentRequirement[]) {
  return requirements.length === 0 ? {} : { [field]: { requirements } };
}

function fieldRequirements(selector: string): readonly SentRequirement[] {
  return selector.split(",").flatMap((part) => {
    const [, key, operator, value] = /^([^=!]+)(!=|==?)(.*)$/.exec(part.trim()) ?? [];
    return key === undefined ? [] : [{ key, operator: operator === "!=" ? "NotIn" : "In", values: [value!] }];
  });
}

/** What cannot be said in a review narrows nothing: it is left out, as in Kubernetes. */
const operators: Readonly<Record<Operator, string>> = {
  ...{ "=": "In", in: "In", "!=": "NotIn", notin: "NotIn", exists: "Exists", "!": "DoesNotExist", gt: "", lt: "" },
};

function labelRequirements(selector: string): readonly SentRequirement[] {
  const read = selector === "" ? undefined : parseLabelSelector(selector);
  if (!read?.ok) return [];
  return read.requirements.flatMap(({ key, operator, values }: Requirement) =>
    operators[operator] === "" ? [] : [{ key, operator: operators[operator], ...(values.length > 0 ? { values } : {}) }],
  );
}
