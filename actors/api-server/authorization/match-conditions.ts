import { celEnvironment, compile, type Program, perCallLimit } from "../cel/environment";
import { CostExceeded } from "../cel/evaluate";
import { toCel } from "../cel/json";
import { bool, type CelType, listOf, mapOf, string } from "../cel/types";
import { CelFault } from "../cel/values";
import type { ReviewSpec } from "./review-spec";

/** The conditions under which an authorization webhook is asked at all: CEL over `request`, the spec of the SubjectAccessReview that it would get. */

const object = (name: string, fields: Readonly<Record<string, CelType>>): CelType => ({
  kind: "object",
  name,
  fields: new Map(Object.entries(fields)),
});

const selector = (name: string) =>
  object(name, {
    rawSelector: string,
    requirements: listOf(object(`${name}Requirement`, { key: string, operator: string, values: listOf(string) })),
  });

const environment = celEnvironment({
  request: object("kubernetes.SubjectAccessReviewSpec", {
    ...{ user: string, uid: string, groups: listOf(string), extra: mapOf(string, listOf(string)) },
    resourceAttributes: object("kubernetes.ResourceAttributes", {
      ...{ namespace: string, verb: string, group: string, version: string, resource: string, subresource: string, name: string },
      ...{ fieldSelector: selector("kubernetes.FieldSelectorAttributes"), labelSelector: selector("kubernetes.LabelSelectorAttributes") },
    }),
    nonResourceAttributes: object("kubernetes.NonResourceAttributes", { path: string, verb: string }),
  }),
});

/** Compiles them; `problem` is of the first that is none. */
export function compileConditions(expressions: readonly string[]): { readonly programs: readonly Program[]; readonly problem?: string } {
  const programs: Program[] = [];
  for (const expression of expressions) {
    const compiled = compile(environment, expression, bool);
    if (!compiled.ok) return { programs, problem: compiled.message };
    programs.push(compiled.program);
  }
  return { programs };
}

/** Whether all hold. One that is false decides, whatever became of the others; a text where one has no value. */
export function conditionsHold(programs: readonly Program[], request: ReviewSpec): boolean | string {
  const { user = "", uid = "", groups = [], extra = {}, resourceAttributes, nonResourceAttributes } = request;
  // What is empty is there all the same, unlike in the JSON that is sent.
  const seen = toCel({
    ...{ user, uid, groups, extra },
    ...(resourceAttributes && {
      resourceAttributes: {
        ...{ namespace: "", verb: "", group: "", version: "", resource: "", subresource: "", name: "" },
        ...resourceAttributes,
      },
    }),
    ...(nonResourceAttributes && { nonResourceAttributes: { path: "", verb: "", ...nonResourceAttributes } }),
  });
  const errors: string[] = [];
  for (const program of programs) {
    try {
      if (program.evaluate(new Map([["request", seen]]), { left: perCallLimit }) !== true) return false;
    } catch (error) {
      if (!(error instanceof CelFault) && !(error instanceof CostExceeded)) throw error;
      errors.push(`cel evaluation error: expression '${program.source}' resulted in error: ${error.message}`);
    }
  }
  return errors.length === 0 ? true : errors.length === 1 ? errors[0]! : `[${errors.join(", ")}]`;
}
