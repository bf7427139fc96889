/** Where a list that was cut off goes on. Opaque to clients; the same fields as Kubernetes' tokens. */
export interface ContinueFrom {
  /** The revision of the first page; -1 for a list that goes on with whatever is there now. */
  readonly revision: number;
  /** The last key already sent, relative to the list's prefix. */
  readonly startAfter: string;
}

export function encodeContinue({ revision, startAfter }: ContinueFrom): string {
  return Buffer.from(JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start: `${startAfter}\0` })).toString("base64url");
}

/** For what no server of ours has made, what is wrong with it, in the words of a real server as far as they say more than that. */
export function decodeContinue(token: string): ContinueFrom | string {
  const foreign = token.search(/[^A-Za-z0-9_-]/);
  if (foreign >= 0) return `illegal base64 data at input byte ${foreign}`;
  if (token.length % 4 === 1) return `illegal base64 data at input byte ${token.length}`;
  const text = Buffer.from(token, "base64url").toString("utf8");
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return "encoded continue token could not be decoded";
  }
  const { v = "", rv, start = "" } = (typeof read === "object" && read !== null ? read : {}) as Readonly<Record<string, unknown>>;
  if (v !== "meta.k8s.io/v1") return `server does not recognize this encoded version ${String(v)}`;
  if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0)
    return `incorrect encoded start resourceVersion (version meta.k8s.io/v1)`;
  if (start === "" || typeof start !== "string") return "encoded start key empty (version meta.k8s.io/v1)";
  // A key that leads out of the list's own prefix would show other namespaces' objects.
  if (!start.endsWith("\0") || start.startsWith("/") || start.split("/").some((part) => part === "..")) return start;
  return { revision: rv, startAfter: start.slice(0, -1) };
}
