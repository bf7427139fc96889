import { hasProgram, isExecutable } from "./programs";
import { hasVariables, isAssignment, literal, parseScript, programOf, type Step, shellInvocation } from "./script";

/** How many scripts within scripts are looked at. */
const depthMax = 10;

/** Whether the simulated shell has all that a command line names: then it does what it says, and no image is needed for it. */
export function isRunnable(command: readonly string[], depth = 0): boolean {
  const invocation = shellInvocation(command);
  if (invocation === undefined) return isExecutable(programOf(command[0] ?? ""));
  if (invocation.script === undefined || depth > depthMax) return false;
  const parsed = parseScript(invocation.script);
  return parsed.ok && parsed.steps.length > 0 && parsed.steps.every((step) => isKnown(step, depth));
}

/** What the first word comes to must not depend on what a variable holds. */
function isKnown({ words, runs, pipes, input, outputs }: Step, depth: number): boolean {
  const at = words.findIndex((word) => !isAssignment(word));
  const rest = at < 0 ? [] : words.slice(at);
  const [first] = rest;
  if (first === undefined) return true;
  if (hasVariables(first)) return false;
  const isRedirected = pipes || input || outputs || runs === "piped";
  if (shellInvocation([literal(first)])) return !isRedirected && !rest.some(hasVariables) && isRunnable(rest.map(literal), depth + 1);
  return hasProgram(programOf(literal(first)));
}
