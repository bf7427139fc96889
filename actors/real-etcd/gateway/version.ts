/** Releases from which on a progress response never overtakes events that are still to come (etcd-io/etcd#15220), nor is lost with the watch's own stream (#17507), by their minor version. */
const soundProgressFrom: ReadonlyMap<string, number> = new Map([
  ["3.4", 31],
  ["3.5", 13],
]);

/**
 * Whether a release's answer to a progress request can be relied on. kube-apiserver asks the same question, with the same bounds, before it uses such requests.
 * Older releases may say "all up to revision R" while events up to R are under way.
 */
export function hasSoundProgress(version: string): boolean {
  const [, major, minor, patch] = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined) return false;
  const from = soundProgressFrom.get(`${major}.${minor}`);
  if (from !== undefined) return Number(patch) >= from;
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) > 5);
}
