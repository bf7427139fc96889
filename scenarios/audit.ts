import { type AuditPolicy, auditLevels, auditStages } from "../actors/api-server/audit/policy";
import { compileSchema, type JsonSchema, recordSchema, validatePart } from "./schema";
import type { Path, Problem, SourceDocument } from "./source";

const texts: JsonSchema = { type: "array", items: { type: "string" } };
const stages: JsonSchema = { type: "array", items: { enum: [...auditStages], description: `a stage: ${auditStages.join(", ")}` } };

const parts: Readonly<Record<string, JsonSchema>> = {
  omitStages: stages,
  omitManagedFields: { type: "boolean" },
  rules: {
    type: "array",
    minItems: 1,
    description: "one rule at least",
    items: {
      ...recordSchema({
        level: { enum: [...auditLevels], description: `a level: ${auditLevels.join(", ")}` },
        users: texts,
        userGroups: texts,
        verbs: texts,
        resources: { type: "array", items: recordSchema({ group: { type: "string" }, resources: texts, resourceNames: texts }) },
        namespaces: texts,
        nonResourceURLs: texts,
        omitStages: stages,
        omitManagedFields: { type: "boolean" },
      }),
      required: ["level"],
    },
  },
};

/** The policy in a scenario, which says what it is by its place; and that of a file of its own. */
export const auditSchema: JsonSchema = recordSchema(parts, ["rules"]);
const fileSchema = recordSchema(
  {
    apiVersion: { enum: ["audit.k8s.io/v1"], description: "audit.k8s.io/v1" },
    kind: { enum: ["Policy"], description: "Policy" },
    metadata: { type: "object" },
    ...parts,
  },
  ["apiVersion", "kind", "rules"],
);

const validateInScenario = compileSchema(auditSchema);
const validateFile = compileSchema(fileSchema);

/** What is wrong with a policy at `path` of a document; `whole` where it is a file of its own, with its apiVersion and kind. */
export function wrongWithPolicy(document: SourceDocument, path: Path, value: unknown, whole: boolean): readonly Problem[] {
  const wrong = validatePart(document, path, value, whole ? validateFile : validateInScenario);
  return wrong.length > 0 ? wrong : wrongTogether(document, path, value as AuditPolicy);
}

/** What no part is wrong by itself, but parts are together. */
function wrongTogether(document: SourceDocument, path: Path, { rules }: AuditPolicy): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, rule] of rules.entries()) {
    const { nonResourceURLs = [], resources = [], namespaces = [] } = rule;
    if (nonResourceURLs.length > 0 && resources.length + namespaces.length > 0)
      problems.push(
        document.problem(
          [...path, "rules", index, "nonResourceURLs"],
          "rules cannot apply to both regular resources and non-resource URLs",
        ),
      );
    for (const [i, url] of nonResourceURLs.entries()) {
      if (url === "*") continue;
      if (!url.startsWith("/"))
        problems.push(
          document.problem(
            [...path, "rules", index, "nonResourceURLs", i],
            `non-resource URL rules must begin with a '/' character, found ${JSON.stringify(url)}`,
          ),
        );
      else if (url.slice(0, -1).includes("*"))
        problems.push(
          document.problem(
            [...path, "rules", index, "nonResourceURLs", i],
            `non-resource URL wildcards '*' must be the final character of the rule, found ${JSON.stringify(url)}`,
          ),
        );
    }
    for (const [i, each] of resources.entries()) {
      if ((each.resourceNames ?? []).length > 0 && (each.resources ?? []).length === 0)
        problems.push(
          document.problem(
            [...path, "rules", index, "resources", i, "resourceNames"],
            "using resourceNames requires at least one resource",
          ),
        );
      if ((each.group ?? "").includes("/"))
        problems.push(
          document.problem(
            [...path, "rules", index, "resources", i, "group"],
            `expected a group without its version, found ${JSON.stringify(each.group)}`,
          ),
        );
    }
  }
  return problems;
}
