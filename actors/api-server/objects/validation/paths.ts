import type { Findings } from "./field-error";

/** Paths inside of volumes and on nodes. */

/** A path inside a volume: relative, and never upwards. */
export function checkRelativePath(path: string, at: string, findings: Findings): void {
  if (path.startsWith("/")) findings.invalid(at, path, "must be a relative path");
  checkNoBacksteps(path, at, findings);
}

export function checkNoBacksteps(path: string, at: string, findings: Findings): void {
  if (path.split("/").includes("..")) findings.invalid(at, path, "must not contain '..'");
}

/** The path of a file that is projected into a volume: the kubelet keeps names that begin with two dots for itself. */
export function checkProjectedPath(path: string, at: string, findings: Findings): void {
  checkRelativePath(path, at, findings);
  if (path.startsWith("..") && !path.startsWith("../") && path !== "..") findings.invalid(at, path, "must not start with '..'");
}
