import { X509Certificate } from "node:crypto";
import { request } from "node:https";
import { connect } from "node:tls";
import { publicKeyHash, requestCertificate } from "../certificates";
import type { JoinToken } from "./token";

/** What makes a process a member: kept, it comes back as the same hosts. */
export interface Membership {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** The hub refuses, or is not the hub that was meant: trying again would not help. */
export class JoinRefused extends Error {}

const dialTimeoutMs = 10_000;

/**
 * Joins the cluster at `url` ("wss://HOST:PORT"): fetches its authority's certificate, checks it against the hash in the token, and has a
 * certificate issued for a new key. Throws JoinRefused, or an Error where the hub cannot be reached.
 */
export async function join(url: URL, token: JoinToken, nodes: number): Promise<Membership> {
  const authority = await fetchAuthority(url, token.authorityHash);
  const { request: certificateRequest, key } = requestCertificate({ commonName: "joining", organizations: [] });
  const body = JSON.stringify({ id: token.id, secret: token.secret, nodes, request: certificateRequest });
  const { code, text } = await post(url, authority, body);
  let answer: { readonly certificate?: string; readonly error?: string };
  try {
    answer = JSON.parse(text);
  } catch {
    throw new JoinRefused(`${url.host} does not answer as a cluster does: status ${code}`);
  }
  if (code !== 200 || answer.certificate === undefined) throw new JoinRefused(`${url.host} refused: ${answer.error ?? `status ${code}`}`);
  return { authority, certificate: answer.certificate, key };
}

/** The PEM certificate of the authority behind the server, if its public key has that hash. Nothing is said before this was checked. */
function fetchAuthority(url: URL, hash: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const host = hostOf(url);
    const socket = connect({ host, port: portOf(url), rejectUnauthorized: false, timeout: dialTimeoutMs });
    socket.once("timeout", () => socket.destroy(new Error(`no answer within ${dialTimeoutMs} ms`)));
    socket.once("error", (error) => reject(new Error(`${url.host} cannot be reached: ${error.message}`)));
    socket.once("secureConnect", () => {
      let certificate = socket.getPeerCertificate(true);
      socket.destroy();
      while (certificate.issuerCertificate && certificate.issuerCertificate !== certificate) certificate = certificate.issuerCertificate;
      if (!certificate.raw || publicKeyHash(certificate.raw) !== hash)
        reject(
          new JoinRefused(
            `${url.host} is not the cluster that the token is for: its authority has another key than the token's CAHASH says`,
          ),
        );
      else resolve(new X509Certificate(certificate.raw).toString());
    });
  });
}

function post(url: URL, authority: string, body: string): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise((resolve, reject) => {
    const options = {
      method: "POST",
      host: hostOf(url),
      port: portOf(url),
      path: "/join",
      ca: authority,
      timeout: dialTimeoutMs,
      agent: false as const,
    };
    const sent = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ code: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    sent.once("timeout", () => sent.destroy(new Error(`no answer within ${dialTimeoutMs} ms`)));
    sent.once("error", (error: NodeJS.ErrnoException) => reject(new Error(explain(url, error))));
    sent.end(body);
  });
}

function explain(url: URL, error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_TLS_CERT_ALTNAME_INVALID")
    return `the certificate of the cluster does not name ${url.hostname}: start it with --advertise or --san ${url.hostname}`;
  return `${url.host} cannot be reached: ${error.message}`;
}

/** The host of a URL without the brackets around an IPv6 address. */
export function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

export function portOf(url: URL): number {
  return Number(url.port || 443);
}

/** Throws an Error that says what the address of a hub looks like. */
export function parseHubUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "wss:" || url.hostname === "" || (url.pathname !== "/" && url.pathname !== ""))
    throw new Error(`"${text}" is not the address of a cluster: expected wss://HOST:PORT`);
  return url;
}
