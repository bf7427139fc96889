import type { Command } from "commander";
import { knobOfPlugin, pluginDefaults, pluginNames } from "../actors/api-server/admission/plugin-names";
import { knobNamed, readKnob } from "../scenarios/knobs";
import { addAuditFlags } from "./audit-options";
import { InputError } from "./exit";

/** kube-apiserver's own flags that `wavetank up` takes: each is a knob of the same name. */
const names = [
  "request-timeout",
  "min-request-timeout",
  "max-requests-inflight",
  "max-mutating-requests-inflight",
  "enable-priority-and-fairness",
  "event-ttl",
  "shutdown-delay-duration",
  "goaway-chance",
] as const;

/** What commander makes of them. */
export type ApiServerFlags = { readonly [flag: string]: unknown };

export function addApiServerFlags(command: Command): void {
  for (const name of names) {
    const { what, default: standard } = knobOf(name);
    command.option(`--${name} <value>`, `${what} (default ${standard})`);
  }
  command.option("--enable-admission-plugins <list>", `admission plug-ins to turn on, with commas between: ${namesThatAre(false)}`);
  command.option("--disable-admission-plugins <list>", `admission plug-ins to turn off: ${namesThatAre(true)}`);
  addAuditFlags(command);
}

const namesThatAre = (on: boolean) => pluginNames.filter((name) => pluginDefaults[name] === on).join(", ");

/** The knobs that the two lists of plug-ins set. */
function readPlugins(flags: ApiServerFlags): Readonly<Record<string, boolean>> {
  const listed = (flag: "enableAdmissionPlugins" | "disableAdmissionPlugins", name: string) => {
    const names = String(flags[flag] ?? "")
      .split(",")
      .filter((one) => one !== "");
    const unknown = names.find((one) => !pluginNames.includes(one as (typeof pluginNames)[number]));
    if (unknown !== undefined)
      throw new InputError(`--${name}: plug-in ${JSON.stringify(unknown)} is unknown; there are ${pluginNames.join(", ")}`);
    return names;
  };
  const on = listed("enableAdmissionPlugins", "enable-admission-plugins");
  const off = listed("disableAdmissionPlugins", "disable-admission-plugins");
  const both = on.filter((name) => off.includes(name));
  if (both.length > 0) throw new InputError(`[${both.join(", ")}] in enable-admission-plugins and disable-admission-plugins overlapped`);
  return Object.fromEntries(
    [...on.map((name) => [name, true] as const), ...off.map((name) => [name, false] as const)].map(([name, is]) => [
      `kube-apiserver.${knobOfPlugin(name)}`,
      is,
    ]),
  );
}

/** The knobs that the flags set. Throws an InputError that names the flag and what was expected. */
export function readApiServerFlags(flags: ApiServerFlags): Readonly<Record<string, number | boolean>> {
  const set: Record<string, number | boolean> = {};
  for (const name of names) {
    const text = flags[camelCase(name)];
    if (text === undefined) continue;
    const knob = knobOf(name);
    const given =
      knob.unit === "flag" ? (text === "true" ? true : text === "false" ? false : text) : knob.unit === "number" ? Number(text) : text;
    const read = readKnob(knob, given);
    if ("expected" in read) throw new InputError(`--${name} ${String(text)}: expected ${read.expected}`);
    if (name === "goaway-chance" && Number(read.value) > 0.02)
      throw new InputError(`--goaway-chance ${String(text)}: expected a number from 0 to 0.02`);
    set[knob.name] = read.value;
  }
  return { ...set, ...readPlugins(flags) };
}

function knobOf(name: (typeof names)[number]) {
  const knob = knobNamed(`kube-apiserver.${name}`);
  if (!knob) throw new Error(`there is no knob kube-apiserver.${name}`);
  return knob;
}

function camelCase(name: string): string {
  return name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
