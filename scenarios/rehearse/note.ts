/** Something that a rehearsal leaves out or takes for granted, and where the manifests say it: so that nobody trusts more than was tested. */
export interface Note {
  readonly file: string;
  readonly line: number;
  /** "HorizontalPodAutoscaler shop/web", "Deployment shop/web: volume data". */
  readonly what: string;
  /** What became of it: "left out: …", "taken for granted: …". */
  readonly became: string;
}
