import type { HttpRequest, HttpResponse } from "../../../protocol/web";
import type { Actor } from "../../../runtime/actor";
import { SimulatedSecrets } from "../../../runtime/simulated/secrets";

/** An OpenID Connect issuer that a test may turn about: its keys, whether it answers, and what it was asked. */
export class Issuer {
  keys: string[] = ["one"];
  down = false;
  readonly asked: string[] = [];

  constructor(readonly url: string) {}

  /** As an actor behind the issuer's name. */
  actor(role: string): Actor<null, null> {
    return {
      role,
      start: () => null,
      receive: (_state, input, ctx) => {
        if (input.type !== "request") return undefined;
        const { url } = input.body as unknown as HttpRequest;
        this.asked.push(url);
        if (this.down) ctx.refuse(input.request, "connection refused");
        else ctx.reply(input.request, this.respond(url));
        return undefined;
      },
    };
  }

  private respond(url: string): HttpResponse {
    return { kind: "http.response", code: 200, headers: [], body: Buffer.from(JSON.stringify(this.answer(url))) };
  }

  private answer(url: string): object {
    if (url.endsWith("/.well-known/openid-configuration")) return { issuer: this.url, jwks_uri: `${this.url}/keys` };
    return { keys: this.keys.map((kid) => ({ kty: "RSA", use: "sig", alg: "RS256", kid, n: kid, e: "AQAB" })) };
  }

  /** A token signed with a key of the issuer, or with another one under its name. */
  token(claims: object, how: { kid?: string; by?: string; alg?: string } = {}): string {
    const { kid = this.keys.at(-1)!, alg = "RS256" } = how;
    const by = how.by ?? kid;
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const signed = `${part({ alg, kid })}.${part({ iss: this.url, ...claims })}`;
    const result = new SimulatedSecrets().perform({ type: "sign", key: by, bytes: Buffer.from(signed) });
    if (!result.ok) throw new Error(result.detail);
    return `${signed}.${Buffer.from(result.bytes).toString("base64url")}`;
  }
}
