/**
 * What /version says. The version is that of the Kubernetes API which is emulated; the build metadata after "+" tells who answers,
 * and, unlike a pre-release, is ignored by clients that compare versions.
 */
export const versionInfo = {
  major: "1",
  minor: "36",
  emulationMajor: "1",
  emulationMinor: "36",
  minCompatibilityMajor: "1",
  minCompatibilityMinor: "35",
  gitVersion: "v1.36.0+wavetank",
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: "",
} as const;
