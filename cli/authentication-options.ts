import type { Command } from "commander";
import { parse } from "yaml";
import type { AnonymousConfiguration } from "../actors/api-server/authentication/anonymous";
import {
  authenticatorOfFlags,
  readAuthenticationConfiguration,
  signingAlgorithms,
} from "../actors/api-server/authentication/oidc/configuration";
import { compileMapping } from "../actors/api-server/authentication/oidc/mapping";
import type { ApiServerConfig } from "../actors/api-server/config";
import { InputError } from "./exit";
import { readText } from "./read-text";

/** The flags of `wavetank up` that say whose tokens are believed beside the cluster's own, under kube-apiserver's names. */
export interface AuthenticationFlags {
  readonly authenticationConfig?: string;
  readonly anonymousAuth?: string;
  readonly oidcIssuerUrl?: string;
  readonly oidcClientId?: string;
  readonly oidcUsernameClaim?: string;
  readonly oidcUsernamePrefix?: string;
  readonly oidcGroupsClaim?: string;
  readonly oidcGroupsPrefix?: string;
  readonly oidcSigningAlgs?: string;
  readonly oidcCaFile?: string;
  readonly oidcRequiredClaim?: readonly string[];
}

/** Declares them. */
export function addAuthenticationFlags(command: Command): Command {
  const repeat = (value: string, earlier: readonly string[] = []) => [...earlier, value];
  return command
    .option(
      "--authentication-config <file>",
      "an AuthenticationConfiguration: OpenID Connect issuers whose tokens are believed, and who may come without a credential",
    )
    .option("--anonymous-auth <true|false>", "whether requests without a credential are let in, as system:anonymous (default true)")
    .option("--oidc-issuer-url <url>", "the one issuer, where no file is needed")
    .option("--oidc-client-id <id>", "the audience that its tokens must be meant for")
    .option("--oidc-username-claim <claim>", "the claim that is the user's name (default sub)")
    .option("--oidc-username-prefix <prefix>", "put before names; - for none (default: the issuer and #, but for email)")
    .option("--oidc-groups-claim <claim>", "the claim that holds groups")
    .option("--oidc-groups-prefix <prefix>", "put before groups")
    .option("--oidc-signing-algs <list>", "algorithms that are accepted, with commas between (default RS256)")
    .option("--oidc-ca-file <file>", "PEM of the authority of the issuer's certificate (default: what this machine trusts)")
    .option("--oidc-required-claim <key=value>", "a claim that must be there; may be repeated", repeat);
}

/** Reads and checks them. Throws an InputError that names the flag, or the place in the file. */
export function readAuthentication(flags: AuthenticationFlags): Partial<Pick<ApiServerConfig, "jwt" | "anonymous">> {
  const anonymous = ofAnonymousFlag(flags.anonymousAuth);
  const given = Object.entries(flags).find(([name, value]) => name.startsWith("oidc") && value !== undefined)?.[0];
  if (flags.authenticationConfig !== undefined) {
    if (given) throw new InputError(`${flagOf(given)}: goes into the file of --authentication-config instead`);
    const read = ofFile(flags.authenticationConfig);
    if (anonymous && read.anonymous)
      throw new InputError(
        `${flags.authenticationConfig}: anonymous: Forbidden: --anonymous-auth flag cannot be set when anonymous field is configured in authentication configuration file`,
      );
    return { ...read, ...(anonymous ? { anonymous } : {}) };
  }
  const unchanged = anonymous ? { anonymous } : {};
  if (given === undefined) return { jwt: [], ...unchanged };
  const { oidcIssuerUrl: issuerUrl, oidcClientId: clientId } = flags;
  if (!issuerUrl || !clientId) throw new InputError("--oidc-issuer-url and --oidc-client-id: one needs the other");
  if (!URL.canParse(issuerUrl) || new URL(issuerUrl).protocol !== "https:")
    throw new InputError(`--oidc-issuer-url ${issuerUrl}: expected https://HOST[:PORT][/PATH]`);
  const algorithms = flags.oidcSigningAlgs?.split(",");
  const unknown = algorithms?.find((name) => !signingAlgorithms.includes(name));
  if (unknown !== undefined) throw new InputError(`--oidc-signing-algs ${unknown}: expected some of ${signingAlgorithms.join(", ")}`);
  const requiredClaims = (flags.oidcRequiredClaim ?? []).map((pair) => {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) throw new InputError(`--oidc-required-claim ${pair}: expected KEY=VALUE`);
    return [key, value] as const;
  });
  const jwt = [
    authenticatorOfFlags({
      issuerUrl,
      clientId,
      ...(flags.oidcUsernameClaim ? { usernameClaim: flags.oidcUsernameClaim } : {}),
      ...(flags.oidcUsernamePrefix === undefined ? {} : { usernamePrefix: flags.oidcUsernamePrefix }),
      ...(flags.oidcGroupsClaim ? { groupsClaim: flags.oidcGroupsClaim } : {}),
      ...(flags.oidcGroupsPrefix === undefined ? {} : { groupsPrefix: flags.oidcGroupsPrefix }),
      ...(algorithms ? { signingAlgs: algorithms } : {}),
      ...(flags.oidcCaFile === undefined ? {} : { certificateAuthority: readText(flags.oidcCaFile) }),
      requiredClaims: Object.fromEntries(requiredClaims),
    }),
  ];
  return { jwt, ...unchanged };
}

function ofAnonymousFlag(text: string | undefined): AnonymousConfiguration | undefined {
  if (text === undefined) return undefined;
  if (text !== "true" && text !== "false") throw new InputError(`--anonymous-auth ${text}: expected true or false`);
  return { enabled: text === "true", byFlag: true };
}

function ofFile(file: string): Partial<Pick<ApiServerConfig, "jwt" | "anonymous">> {
  const text = readText(file);
  let document: unknown;
  try {
    document = parse(text);
  } catch (error) {
    throw new InputError(`${file}: ${(error as Error).message}`);
  }
  const read = readAuthenticationConfiguration(document);
  const problems = read.ok ? read.jwt.flatMap((jwt, index) => compileMapping(jwt, `jwt[${index}]`).problems) : read.problems;
  if (problems.length > 0) throw new InputError(problems.map((problem) => `${file}: ${problem}`).join("\n"));
  return read.ok ? { jwt: read.jwt, anonymous: read.anonymous } : {};
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
