/**
 * An image that plays an admission webhook: what it answers to an AdmissionReview. Slow, broken or gone it is by what else its behaviour says, and by
 * what a storm does to its pods.
 */
export type AdmissionBehaviour =
  | "allow"
  | { readonly deny: string; readonly warnings?: readonly string[] }
  | { readonly patch: readonly object[]; readonly warnings?: readonly string[] };

export const admissionText = '"allow", { deny: TEXT } or { patch: OPERATIONS }, with warnings: [TEXT…] if need be';

/** Whether it is one of the three. */
export function isAdmissionBehaviour(value: unknown): value is AdmissionBehaviour {
  if (value === "allow") return true;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const { deny, patch, warnings, ...others } = value as Readonly<Record<string, unknown>>;
  if (Object.keys(others).length > 0 || (deny === undefined) === (patch === undefined)) return false;
  const isText = (each: unknown) => typeof each === "string";
  if (warnings !== undefined && !(Array.isArray(warnings) && warnings.every(isText))) return false;
  return deny === undefined ? Array.isArray(patch) && patch.every((each) => typeof each === "object" && each !== null) : isText(deny);
}

/** The AdmissionReview with which a container answers one; undefined where it was sent something else. */
export function admissionAnswer(behaviour: AdmissionBehaviour, body: Uint8Array): string | undefined {
  const review = reviewIn(body);
  if (!review) return undefined;
  const { apiVersion, request } = review;
  return JSON.stringify({ apiVersion, kind: "AdmissionReview", response: { uid: request.uid, ...responseOf(behaviour, request) } });
}

interface Asked {
  readonly uid: unknown;
  readonly object: unknown;
}

function reviewIn(body: Uint8Array): { readonly apiVersion: unknown; readonly request: Asked } | undefined {
  try {
    const review: unknown = JSON.parse(Buffer.from(body).toString("utf8"));
    const { kind, apiVersion, request } = (review ?? {}) as Readonly<Record<string, unknown>>;
    return kind === "AdmissionReview" && typeof request === "object" && request !== null
      ? { apiVersion, request: request as Asked }
      : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function responseOf(behaviour: AdmissionBehaviour, { object }: Asked): object {
  if (behaviour === "allow") return { allowed: true };
  const { warnings } = behaviour;
  const said = warnings ? { warnings } : {};
  if ("deny" in behaviour) return { allowed: false, status: { message: behaviour.deny }, ...said };
  // What is deleted cannot be changed.
  if (!object) return { allowed: true, ...said };
  return { allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(behaviour.patch)).toString("base64"), ...said };
}
