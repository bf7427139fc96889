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

/** undefined for what no server of ours has made. */
export function decodeContinue(token: string): ContinueFrom | undefined {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(token, "base64url").toString("utf8")) as { v?: unknown; rv?: unknown; start?: unknown };
    if (v !== "meta.k8s.io/v1" || typeof rv !== "number" || !Number.isSafeInteger(rv) || typeof start !== "string" || !start.endsWith("\0"))
      return undefined;
    // A key that leads out of the list's own prefix would show other namespaces' objects.
    if (start.startsWith("/") || start.split("/").some((part) => part === "..")) return undefined;
    return { revision: rv, startAfter: start.slice(0, -1) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
