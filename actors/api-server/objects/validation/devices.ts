import type {
  DeviceClaim,
  DeviceClass,
  DeviceSelector,
  ResourceClaimTemplate,
  ResourceV1ResourceClaim,
} from "../../../../protocol/kinds/generated";
import { wrongWithDns1123Label, wrongWithDns1123Subdomain } from "../../../../protocol/kinds/names";
import { celEnvironment, compile } from "../../cel/environment";
import { bool, dyn, mapOf, parseType, string, typeText } from "../../cel/types";
import type { Findings } from "./field-error";

/** resource.k8s.io/v1: which devices are asked for. */

const requestsMax = 32;
const selectorsMax = 32;
const alternativesMax = 8;

export function checkResourceClaim({ spec }: ResourceV1ResourceClaim, findings: Findings): void {
  checkDevices(spec?.devices, "spec.devices", findings);
}

export function checkResourceClaimTemplate({ spec }: ResourceClaimTemplate, findings: Findings): void {
  checkDevices(spec?.spec?.devices, "spec.spec.devices", findings);
}

export function checkDeviceClass({ spec }: DeviceClass, findings: Findings): void {
  checkSelectors(spec?.selectors, "spec.selectors", findings);
}

function checkSelectors(selectors: readonly DeviceSelector[] = [], at: string, findings: Findings): void {
  if (selectors.length > selectorsMax) findings.tooMany(at, selectors.length, selectorsMax);
  selectors.forEach(({ cel }, index) => {
    if (!cel) findings.required(`${at}[${index}].cel`);
    else if (!cel.expression) findings.required(`${at}[${index}].cel.expression`);
    else checkExpression(cel.expression, `${at}[${index}].cel.expression`, findings);
  });
}

const expressionBytesMax = 10 * 1024;

/** What a selector's expression may name: the device, whose attributes and capacity lie below the domains of their names. */
const deviceEnvironment = celEnvironment({
  device: {
    kind: "object",
    name: "kubernetes.DRADevice",
    fields: new Map([
      ["driver", string],
      ["attributes", mapOf(string, mapOf(string, dyn))],
      ["capacity", mapOf(string, mapOf(string, parseType("kubernetes.Quantity")))],
      ["allowMultipleAllocations", bool],
    ]),
  },
});

function checkExpression(expression: string, at: string, findings: Findings): void {
  if (Buffer.byteLength(expression) > expressionBytesMax) return findings.tooLong(at, expressionBytesMax);
  const compiled = compile(deviceEnvironment, expression);
  if (!compiled.ok) return findings.invalid(at, expression, compiled.message);
  const { type } = compiled.program;
  if (type.kind === "dyn" || typeText(type) === typeText(bool)) return;
  findings.invalid(at, expression, `must evaluate to bool or the unknown type, not ${typeText(type)}`);
}

interface Exact {
  readonly deviceClassName?: string;
  readonly selectors?: readonly DeviceSelector[];
  readonly allocationMode?: string;
  readonly count?: number;
}

function checkExact(request: Exact, at: string, findings: Findings): void {
  const name = request.deviceClassName;
  if (!name) findings.required(`${at}.deviceClassName`);
  else findings.invalidFor(`${at}.deviceClassName`, name, wrongWithDns1123Subdomain(name));
  checkSelectors(request.selectors, `${at}.selectors`, findings);
  const { allocationMode: mode, count = 0 } = request;
  if (mode === "ExactCount") {
    if (count <= 0) findings.invalid(`${at}.count`, count, "must be greater than zero");
  } else if (mode === "All") {
    if (count !== 0) findings.invalid(`${at}.count`, count, "must not be specified when allocationMode is 'All'");
  } else if (mode !== undefined) findings.notSupported(`${at}.allocationMode`, mode, ["All", "ExactCount"]);
}

function checkDevices(devices: DeviceClaim | undefined, at: string, findings: Findings): void {
  const requests = devices?.requests ?? [];
  const names = new Set<string>();
  if (requests.length > requestsMax) findings.tooMany(`${at}.requests`, requests.length, requestsMax);
  requests.forEach((request, index) => {
    const here = `${at}.requests[${index}]`;
    checkRequestName(request.name, names, `${here}.name`, findings);
    const { exactly, firstAvailable } = request;
    if (exactly && firstAvailable)
      findings.invalid(here, null, "exactly one of `exactly` or `firstAvailable` is required, but multiple fields are set");
    else if (!exactly && !firstAvailable) findings.required(here, "exactly one of `exactly` or `firstAvailable` is required");
    if (exactly) checkExact(exactly, `${here}.exactly`, findings);
    if ((firstAvailable ?? []).length > alternativesMax)
      findings.tooMany(`${here}.firstAvailable`, firstAvailable!.length, alternativesMax);
    const alternatives = new Set<string>();
    firstAvailable?.forEach((alternative, place) => {
      checkRequestName(alternative.name, alternatives, `${here}.firstAvailable[${place}].name`, findings);
      checkExact(alternative, `${here}.firstAvailable[${place}]`, findings);
      names.add(`${request.name}/${alternative.name}`);
    });
  });
  for (const list of ["constraints", "config"] as const)
    devices?.[list]?.forEach((one, index) => {
      one.requests?.forEach((name, place) => {
        if (!names.has(name))
          findings.invalid(`${at}.${list}[${index}].requests[${place}]`, name, "must be the name of a request in the claim");
      });
    });
}

function checkRequestName(name: string | undefined, names: Set<string>, at: string, findings: Findings): void {
  if (!name) return findings.required(at);
  findings.invalidFor(at, name, wrongWithDns1123Label(name));
  if (names.has(name)) findings.duplicate(at, name);
  names.add(name);
}
