import { wordsOf } from "./control";
import { hasProgram, isExecutable } from "./programs/programs";
import { parseScript, programOf, type Step, shellInvocation } from "./script";
import { hasVariables, isAssignment, literal } from "./words";

/** How many scripts within scripts are looked at. */
const depthMax = 10;

/** What the shell does itself. */
const builtIns: ReadonlySet<string> = new Set(["break", "continue", "return", "shift", "unset", "local", "set", "read"]);

/** Whether the simulated shell has all that a command line names: then it does what it says, and no image is needed for it. */
export function isRunnable(command: readonly string[], depth = 0): boolean {
  const invocation = shellInvocation(command);
  if (invocation === undefined) return isExecutable(programOf(command[0] ?? ""));
  if (invocation.script === undefined || depth > depthMax) return false;
  const parsed = parseScript(invocation.script);
  if (!parsed.ok || parsed.steps.length === 0) return false;
  const functions = new Set<string>();
  collect(parsed.steps, functions);
  return parsed.steps.every((step) => isKnown(step, functions, depth));
}

/** The names of the functions that a script defines. */
function collect(steps: readonly Step[], functions: Set<string>): void {
  for (const { compound } of steps) {
    if (compound?.is === "function") functions.add(compound.name);
    for (const inner of bodiesOf(compound)) collect(inner, functions);
  }
}

function bodiesOf(compound: Step["compound"]): readonly (readonly Step[])[] {
  if (!compound) return [];
  switch (compound.is) {
    case "if":
      return [...compound.branches.flatMap(({ test, body }) => [test, body]), compound.otherwise];
    case "while":
      return [compound.test, compound.body];
    case "case":
      return compound.clauses.map(({ body }) => body);
    default:
      return [compound.body];
  }
}

/** What the first word comes to must not depend on what a variable holds. */
function isKnown(step: Step, functions: ReadonlySet<string>, depth: number): boolean {
  const all = (steps: readonly Step[]) => steps.every((each) => isKnown(each, functions, depth));
  if (!wordsOf(step).every((word) => word.every(({ commands }) => commands === undefined || all(commands)))) return false;
  if (step.compound) return bodiesOf(step.compound).every(all);
  const at = step.words.findIndex((word) => !isAssignment(word));
  const rest = at < 0 ? [] : step.words.slice(at);
  const [first] = rest;
  if (first === undefined) return true;
  if (hasVariables(first)) return false;
  const name = literal(first);
  if (shellInvocation([name])) return !rest.some(hasVariables) && isRunnable(rest.map(literal), depth + 1);
  return functions.has(name) || builtIns.has(name) || hasProgram(programOf(name));
}
