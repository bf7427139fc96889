import type { Level } from "./checks";

/** Which level a mode holds Pods to, and of which version of the standards. */
export interface Policy {
  readonly level: Level;
  readonly version: string;
}

export const podSecurityModes = ["enforce", "audit", "warn"] as const;
export type PodSecurityMode = (typeof podSecurityModes)[number];

/** What holds where a namespace's labels say nothing, and who is let pass everywhere (PodSecurityConfiguration). */
export interface PodSecuritySettings {
  readonly defaults: Readonly<Record<PodSecurityMode, Policy>>;
  readonly exemptions: {
    readonly usernames: readonly string[];
    readonly runtimeClasses: readonly string[];
    readonly namespaces: readonly string[];
  };
}

const levels: ReadonlySet<unknown> = new Set<Level>(["privileged", "baseline", "restricted"]);

export const isLevel = (level: unknown): level is Level => levels.has(level);

const privileged: Policy = { level: "privileged", version: "latest" };

export const noPodSecuritySettings: PodSecuritySettings = {
  defaults: { enforce: privileged, audit: privileged, warn: privileged },
  exemptions: { usernames: [], runtimeClasses: [], namespaces: [] },
};
