import { type AuditPolicy, auditLevels, auditStages } from "../actors/api-server/audit/policy";
import { compileSchema, type JsonSchema, recordSchema, validatePart } from "../scenarios/schema";
import { formatProblem, type Problem, readDocuments, type SourceDocument } from "../scenarios/source";
import { InputError } from "./exit";
import { readText } from "./read-text";

const texts: JsonSchema = { type: "array", items: { type: "string" } };
const stages: JsonSchema = { type: "array", items: { enum: [...auditStages], description: `a stage: ${auditStages.join(", ")}` } };

const policySchema: JsonSchema = {
  ...recordSchema({
    apiVersion: { enum: ["audit.k8s.io/v1"], description: "audit.k8s.io/v1" },
    kind: { enum: ["Policy"], description: "Policy" },
    metadata: { type: "object" },
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
  }),
  required: ["apiVersion", "kind", "rules"],
};

const validate = compileSchema(policySchema);

/** Reads the file of --audit-policy-file. Throws an InputError that names file, line and field of everything that is wrong. */
export function readAuditPolicy(file: string): AuditPolicy {
  const { documents, problems } = readDocuments({ file, text: readText(file) }, "1.2");
  if (problems.length > 0) throw new InputError(problems.map(formatProblem).join("\n"));
  const [document, ...others] = documents;
  if (!document || others.length > 0) throw new InputError(`${file}: expected one audit policy, found ${documents.length} documents`);
  const wrong = validatePart(document, [], document.value, validate);
  const found = wrong.length > 0 ? wrong : wrongTogether(document, document.value as AuditPolicy);
  if (found.length > 0) throw new InputError(found.map(formatProblem).join("\n"));
  return document.value as AuditPolicy;
}

/** What no part is wrong by itself, but parts are together. */
function wrongTogether(document: SourceDocument, { rules }: AuditPolicy): readonly Problem[] {
  const problems: Problem[] = [];
  for (const [index, rule] of rules.entries()) {
    const { nonResourceURLs = [], resources = [], namespaces = [] } = rule;
    if (nonResourceURLs.length > 0 && resources.length + namespaces.length > 0)
      problems.push(
        document.problem(["rules", index, "nonResourceURLs"], "rules cannot apply to both regular resources and non-resource URLs"),
      );
    for (const [i, url] of nonResourceURLs.entries()) {
      if (url === "*") continue;
      if (!url.startsWith("/"))
        problems.push(
          document.problem(
            ["rules", index, "nonResourceURLs", i],
            `non-resource URL rules must begin with a '/' character, found ${JSON.stringify(url)}`,
          ),
        );
      else if (url.slice(0, -1).includes("*"))
        problems.push(
          document.problem(
            ["rules", index, "nonResourceURLs", i],
            `non-resource URL wildcards '*' must be the final character of the rule, found ${JSON.stringify(url)}`,
          ),
        );
    }
    for (const [i, each] of resources.entries()) {
      if ((each.resourceNames ?? []).length > 0 && (each.resources ?? []).length === 0)
        problems.push(
          document.problem(["rules", index, "resources", i, "resourceNames"], "using resourceNames requires at least one resource"),
        );
      if ((each.group ?? "").includes("/"))
        problems.push(
          document.problem(
            ["rules", index, "resources", i, "group"],
            `expected a group without its version, found ${JSON.stringify(each.group)}`,
          ),
        );
    }
  }
  return problems;
}
