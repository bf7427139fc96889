import type { AuditPolicy } from "../actors/api-server/audit/policy";
import { wrongWithPolicy } from "../scenarios/audit";
import { formatProblem, readDocuments } from "../scenarios/source";
import { InputError } from "./exit";
import { readText } from "./read-text";

/** Reads the file of --audit-policy-file. Throws an InputError that names file, line and field of everything that is wrong. */
export function readAuditPolicy(file: string): AuditPolicy {
  const { documents, problems } = readDocuments({ file, text: readText(file) }, "1.2");
  if (problems.length > 0) throw new InputError(problems.map(formatProblem).join("\n"));
  const [document, ...others] = documents;
  if (!document || others.length > 0) throw new InputError(`${file}: expected one audit policy, found ${documents.length} documents`);
  const found = wrongWithPolicy(document, [], document.value, true);
  if (found.length > 0) throw new InputError(found.map(formatProblem).join("\n"));
  return document.value as AuditPolicy;
}
