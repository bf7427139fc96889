import type { ServerHttp2Session } from "node:http2";
import type { TLSSocket } from "node:tls";
import type { Credential, Impersonation } from "../../../protocol/api";
import { eachHeader, type HttpRequest, header } from "./http";

/** What a connection's client certificate says: read once for each connection, since it does not change. */
export type PeerCertificate = Extract<Credential, { readonly type: "certificate" }> | "none" | "untrusted";

export function readPeerCertificate(socket: TLSSocket): PeerCertificate {
  const subject = socket.getPeerCertificate?.().subject;
  if (subject === undefined) return "none";
  // A certificate of another authority, or one that is out of date: it says nothing about who this is.
  if (!socket.authorized) return "untrusted";
  const { CN, O } = subject as { readonly CN?: string | readonly string[]; readonly O?: string | readonly string[] };
  return { type: "certificate", commonName: list(CN)[0] ?? "", organizations: list(O) };
}

function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : typeof value === "string" ? [value] : value;
}

/** The TLS socket under a request; in HTTP/2 it belongs to the session. */
export function connectionOf(request: HttpRequest): { readonly key: object; readonly socket: TLSSocket } {
  if ("stream" in request) {
    const session = request.stream.session as ServerHttp2Session;
    return { key: session, socket: session.socket as TLSSocket };
  }
  return { key: request.socket, socket: request.socket as TLSSocket };
}

/** What a request shows: the connection's certificate before a bearer token before nothing. "untrusted" is to be refused. */
export function credentialOf(request: HttpRequest, certificate: PeerCertificate): Credential | "untrusted" {
  if (certificate !== "none") return certificate;
  const [scheme = "", token = ""] = header(request, "authorization").trim().split(/\s+/, 2);
  if (scheme.toLowerCase() === "bearer") return { type: "bearer", token };
  return { type: "anonymous" };
}

const extraPrefix = "impersonate-extra-";

/** The impersonation headers (kubectl --as, --as-group, --as-uid); null where there are none. */
export function impersonationOf(request: HttpRequest): Impersonation | null {
  return impersonates(request) ? readImpersonation(request) : null;
}

/** Hardly any request does: the others are not to pay for it. */
function impersonates({ headers }: HttpRequest): boolean {
  for (const name in headers) if (name.startsWith("impersonate-")) return true;
  return false;
}

function readImpersonation(request: HttpRequest): Impersonation {
  let user = "";
  let uid = "";
  const groups: string[] = [];
  const extra = new Map<string, string[]>();
  for (const [name, value] of eachHeader(request)) {
    if (!name.startsWith("impersonate-")) continue;
    if (name === "impersonate-user") user = value;
    else if (name === "impersonate-uid") uid = value;
    else if (name === "impersonate-group") groups.push(value);
    else if (name.startsWith(extraPrefix)) {
      const key = decodeKey(name.slice(extraPrefix.length));
      extra.set(key, [...(extra.get(key) ?? []), value]);
    }
  }
  return { user, uid, groups, extra: Object.fromEntries(extra) };
}

/** Keys of extra fields may hold what a header's name may not; then they are percent-encoded. */
function decodeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}
