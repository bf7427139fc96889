import type { Metadata } from "@grpc/grpc-js";
import type { Credential } from "../../../protocol/etcd-auth";
import type { Tokens } from "./tokens";

/** What a call shows of whoever makes it. */
export interface Shown {
  readonly metadata: Metadata;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subject?: { readonly CN?: string | string[] } } } | null;
}

/**
 * For whom a call speaks: the user of its token, else the common name of the client's certificate, as in etcd. Throws a Refusal on a token
 * that is not good.
 */
export async function credentialOf(call: Shown, tokens: Tokens): Promise<Credential> {
  const token = call.metadata.get("token")[0] ?? call.metadata.get("authorization")[0];
  if (token !== undefined) return tokens.verify(String(token), Date.now());
  const name = call.getAuthContext()?.sslPeerCertificate?.subject?.CN;
  return { user: (Array.isArray(name) ? name[0] : name) ?? "", authRevision: null };
}
