import { type CelEnvironment, celEnvironment, compile, type Program, perCallLimit } from "../../cel/environment";
import { CostExceeded } from "../../cel/evaluate";
import { fromCel, toCel } from "../../cel/json";
import { bool, type CelType, dyn, mapOf, string } from "../../cel/types";
import { CelFault } from "../../cel/values";
import { authenticated, type User } from "../user";
import type { JwtAuthenticator, PrefixedClaim } from "./configuration";
import type { Claims } from "./jwt";

/** An authenticator with its expressions compiled. */
export interface Mapping {
  readonly authenticator: JwtAuthenticator;
  readonly programs: ReadonlyMap<string, Program>;
}

const overClaims = celEnvironment({ claims: mapOf(string, dyn) });
const overUser = celEnvironment({ user: mapOf(string, dyn) });

/** Compiles what an authenticator evaluates. The answer of problems names each place, below `at`. */
export function compileMapping(
  authenticator: JwtAuthenticator,
  at: string,
): { readonly mapping: Mapping; readonly problems: readonly string[] } {
  const programs = new Map<string, Program>();
  const problems: string[] = [];
  const add = (place: string, environment: CelEnvironment, expression: string | undefined, ...wanted: readonly CelType[]) => {
    if (expression === undefined) return;
    const compiled = compile(environment, expression, ...wanted);
    if (compiled.ok) programs.set(place, compiled.program);
    else problems.push(`${at}.${place}: ${compiled.message}`);
  };
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = authenticator;
  add("claimMappings.username.expression", overClaims, claimMappings.username.expression, string);
  add("claimMappings.groups.expression", overClaims, claimMappings.groups?.expression);
  add("claimMappings.uid.expression", overClaims, claimMappings.uid?.expression, string);
  claimMappings.extra?.forEach(({ valueExpression }, index) => {
    add(`claimMappings.extra[${index}].valueExpression`, overClaims, valueExpression);
  });
  claimValidationRules.forEach(({ expression }, index) => {
    add(`claimValidationRules[${index}].expression`, overClaims, expression, bool);
  });
  userValidationRules.forEach(({ expression }, index) => {
    add(`userValidationRules[${index}].expression`, overUser, expression, bool);
  });
  const { username, extra = [] } = claimMappings;
  // An address that its owner has not confirmed is anybody's.
  const readsEmail = username.expression?.includes("claims.email") && !username.expression.includes("email_verified");
  const confirmed = [...claimValidationRules, ...extra.map(({ valueExpression }) => ({ expression: valueExpression }))].some(
    ({ expression }) => expression?.includes("email_verified"),
  );
  if (readsEmail && !confirmed)
    problems.push(
      `${at}.claimMappings.username.expression: claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression`,
    );
  return { mapping: { authenticator, programs }, problems };
}

/** The user that the claims of a token with a good signature stand for, or why it is not believed. Times are checked with no leeway but a second. */
export function userOfClaims({ authenticator, programs }: Mapping, claims: Claims, nowMs: number): User | string {
  const now = nowMs / 1000;
  const { aud, exp, nbf } = claims;
  const audiences = typeof aud === "string" ? [aud] : Array.isArray(aud) ? aud.map(String) : [];
  if (!audiences.some((each) => authenticator.issuer.audiences.includes(each)))
    return `oidc: verify token: oidc: expected audience in ${JSON.stringify(authenticator.issuer.audiences)} got ${JSON.stringify(audiences)}`;
  if (typeof exp !== "number" || now >= exp) return "oidc: verify token: oidc: token is expired";
  if (typeof nbf === "number" && now + 1 < nbf) return "oidc: verify token: the token is not valid yet";
  try {
    return mapped(authenticator, programs, claims);
  } catch (error) {
    if (error instanceof Unacceptable || error instanceof CelFault || error instanceof CostExceeded) return `oidc: ${error.message}`;
    throw error;
  }
}

class Unacceptable extends Error {}

function mapped(authenticator: JwtAuthenticator, programs: ReadonlyMap<string, Program>, claims: Claims): User {
  const { claimMappings, claimValidationRules = [], userValidationRules = [] } = authenticator;
  const seen = toCel(claims);
  const evaluate = (place: string) => fromCel(programs.get(place)!.evaluate(new Map([["claims", seen]]), { left: perCallLimit }));
  claimValidationRules.forEach(({ claim, requiredValue = "", expression, message }, index) => {
    if (claim !== undefined && claims[claim] !== requiredValue) {
      if (claims[claim] === undefined) throw new Unacceptable(`required claim ${claim} not present in ID token`);
      throw new Unacceptable(
        `required claim ${claim} value does not match. Got = ${JSON.stringify(claims[claim])}, want = ${requiredValue}`,
      );
    }
    if (expression !== undefined && evaluate(`claimValidationRules[${index}].expression`) !== true)
      throw new Unacceptable(message ?? `validation expression '${expression}' failed`);
  });
  const name = usernameOf(claimMappings.username, claims, evaluate);
  if (name === "") throw new Unacceptable("username claim value must not be empty");
  const { groups: groupMapping } = claimMappings;
  const groups = groupMapping ? groupsOf(groupMapping, claims, evaluate) : [];
  const uid = uidOf(claimMappings.uid, claims, evaluate);
  const extra: Record<string, readonly string[]> = {};
  claimMappings.extra?.forEach(({ key }, index) => {
    const values = texts(evaluate(`claimMappings.extra[${index}].valueExpression`), key).filter((value) => value !== "");
    if (values.length > 0) extra[key] = values;
  });
  if (typeof claims.jti === "string" && claims.jti !== "") extra["authentication.kubernetes.io/credential-id"] = [`JTI=${claims.jti}`];
  const user = toCel({ username: name, uid, groups, extra });
  userValidationRules.forEach(({ expression, message }, index) => {
    const program = programs.get(`userValidationRules[${index}].expression`)!;
    if (program.evaluate(new Map([["user", user]]), { left: perCallLimit }) !== true)
      throw new Unacceptable(message ?? `user validation expression '${expression}' failed`);
  });
  return authenticated(name, groups, { uid, extra });
}

type Evaluate = (place: string) => unknown;

function usernameOf({ claim, prefix = "", expression }: PrefixedClaim, claims: Claims, evaluate: Evaluate): string {
  if (expression !== undefined) return text(evaluate("claimMappings.username.expression"), "username");
  const value = claims[claim!];
  if (typeof value !== "string") throw new Unacceptable(`parse username claims ${JSON.stringify(claim)}: claim not present`);
  // An address that its owner has not confirmed is anybody's.
  if (claim === "email" && claims.email_verified !== undefined && claims.email_verified !== true)
    throw new Unacceptable("email not verified");
  return value === "" ? "" : prefix + value;
}

function groupsOf({ claim, prefix = "", expression }: PrefixedClaim, claims: Claims, evaluate: Evaluate): readonly string[] {
  if (expression !== undefined) return texts(evaluate("claimMappings.groups.expression"), "groups").filter((group) => group !== "");
  const value = claims[claim!];
  return value === undefined ? [] : texts(value, claim!).map((group) => prefix + group);
}

function uidOf(mapping: JwtAuthenticator["claimMappings"]["uid"], claims: Claims, evaluate: Evaluate): string {
  if (mapping?.expression !== undefined) return text(evaluate("claimMappings.uid.expression"), "uid");
  return mapping?.claim === undefined ? "" : text(claims[mapping.claim], mapping.claim);
}

function text(value: unknown, what: string): string {
  if (typeof value !== "string") throw new Unacceptable(`${what} is not a string`);
  return value;
}

function texts(value: unknown, what: string): readonly string[] {
  if (value === null) return [];
  if (typeof value === "string") return [value];
  if (!Array.isArray(value) || !value.every((each) => typeof each === "string"))
    throw new Unacceptable(`${what} is neither a string nor a list of strings`);
  return value;
}
