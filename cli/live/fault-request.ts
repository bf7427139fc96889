import { parseDurationMs } from "../../protocol/kinds/duration";
import { aims, type PlannedHost, type Target } from "../../scenarios/aim";
import { faults } from "../../scenarios/faults";
import type { Fault, Params } from "../../scenarios/faults/fault";
import { compileSchema, durationSchema, type JsonSchema, recordSchema, unknownName, validatePart } from "../../scenarios/schema";
import { readDocuments } from "../../scenarios/source";
import { type ClientFault, clientFaults } from "./client-faults";

/** A request that the cluster does not take; `message` names the place in it and what was expected. */
export class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}

interface Common {
  readonly params: Params;
  /** null where it lasts until it is stopped. */
  readonly forMs: number | null;
  /** It is healed when whoever began it stops renewing. */
  readonly leased: boolean;
}

export type FaultRequest =
  | (Common & { readonly type: "world"; readonly fault: Fault; readonly target: Target })
  | (Common & { readonly type: "client"; readonly fault: ClientFault });

/** What kinds of faults a running cluster knows. */
export const liveFaultNames: readonly string[] = [
  ...faults.filter(({ damages }) => damages !== true).map(({ name }) => name),
  ...clientFaults.map(({ name }) => name),
];

/** Reads and checks `{ fault, target, params, for, leased }` against a cluster of these hosts. Throws Refused. */
export function readFaultRequest(text: string, hosts: readonly PlannedHost[]): FaultRequest {
  const { documents, problems } = readDocuments({ file: "fault", text }, "1.2");
  const document = documents[0];
  if (problems.length > 0 || document === undefined) throw new Refused(400, `not JSON: ${problems[0]?.message ?? "empty"}`);
  const value = document.value as Readonly<Record<string, unknown>>;
  const check = (schema: JsonSchema) => {
    const wrong = validatePart(document, [], value, compileSchema(schema));
    if (wrong.length > 0) throw new Refused(422, wrong.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  };
  const { fault: name } = typeof value === "object" && value !== null ? value : {};
  if (typeof name !== "string") throw new Refused(400, "$.fault: expected the name of a fault");
  const fault = faults.find((one) => one.name === name);
  const ofClient = clientFaults.find((one) => one.name === name);
  if (fault?.damages === true)
    throw new Refused(422, `$.fault: ${name} damages data for good, and a running cluster may be somebody's; it is for simulations`);
  if (fault === undefined && ofClient === undefined) throw new Refused(422, `$.fault: ${unknownName("fault", name, liveFaultNames)}`);
  const common = {
    fault: { type: "string" },
    for: { ...durationSchema, description: durationSchema.description },
    leased: { type: "boolean" },
  } as const;
  const params = (value.params ?? {}) as Params;
  const forMs = typeof value.for === "string" ? (parseDurationMs(value.for) ?? null) : null;
  const leased = value.leased === true;
  if (ofClient) {
    check(recordSchema({ ...common, params: recordSchema(ofClient.params) }));
    if (Object.keys(params).every((key) => key === "lag"))
      throw new Refused(422, "$.params: whose requests? expected user, userAgent or address");
    refuseEndless(forMs, leased);
    return { type: "client", fault: ofClient, params, forMs, leased };
  }
  const aim = aims[fault!.aims ?? "hosts"];
  check(
    recordSchema(
      { ...common, target: aim.schema, params: recordSchema(fault!.params, fault!.required) },
      fault!.required.length > 0 ? ["target", "params"] : ["target"],
    ),
  );
  const target = value.target as Target;
  const wrong = aim.wrong(target, hosts);
  if (wrong.length > 0)
    throw new Refused(
      422,
      wrong.map(({ field, index, message }) => `$.target.${field}${index === undefined ? "" : `[${index}]`}: ${message}`).join("\n"),
    );
  refuseEndless(forMs, leased);
  return { type: "world", fault: fault!, target, params, forMs, leased };
}

/** A fault that nobody watches over must end by itself. */
function refuseEndless(forMs: number | null, leased: boolean): void {
  if (forMs === null && !leased) throw new Refused(422, "$.for: how long? a fault in the background ends by itself");
}
