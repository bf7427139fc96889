import type { Lifecycle, LifecycleHandler, Probe } from "../../../../protocol/kinds/generated";
import { wrongWithPortName, wrongWithPortNumber } from "../../../../protocol/kinds/names";
import type { Findings } from "./field-error";
import { checkNonNegative } from "./numbers";

/** Probes and lifecycle hooks: exactly one handler each, and sensible numbers. */

export type ProbeKind = "livenessProbe" | "readinessProbe" | "startupProbe";

export function checkProbe(probe: Probe | undefined, kind: ProbeKind, at: string, findings: Findings): void {
  if (!probe) return;
  checkHandler(probe, ["exec", "httpGet", "tcpSocket", "grpc"], undefined, at, findings);
  for (const field of ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] as const)
    checkNonNegative(probe[field], `${at}.${field}`, findings);
  if (probe.terminationGracePeriodSeconds !== undefined && probe.terminationGracePeriodSeconds <= 0)
    findings.invalid(`${at}.terminationGracePeriodSeconds`, probe.terminationGracePeriodSeconds, "must be greater than 0");
  if (kind === "readinessProbe") {
    const seconds = probe.terminationGracePeriodSeconds;
    if (seconds !== undefined) findings.invalid(`${at}.terminationGracePeriodSeconds`, seconds, "must not be set for readinessProbes");
  } else if (probe.successThreshold !== 1) findings.invalid(`${at}.successThreshold`, probe.successThreshold, "must be 1");
}

/** `graceSeconds` is the Pod's: no hook can sleep longer than that. */
export function checkLifecycle(lifecycle: Lifecycle | undefined, graceSeconds: number | undefined, at: string, findings: Findings): void {
  for (const hook of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[hook];
    if (handler) checkHandler(handler, ["exec", "httpGet", "tcpSocket", "sleep"], graceSeconds, `${at}.${hook}`, findings);
  }
}

type Handlers = LifecycleHandler & Pick<Probe, "grpc">;

function checkHandler(
  handler: Handlers,
  kinds: readonly (keyof Handlers)[],
  graceSeconds: number | undefined,
  at: string,
  findings: Findings,
): void {
  const given = kinds.filter((kind) => handler[kind] !== undefined);
  if (given.length === 0) findings.required(at, "must specify a handler type");
  for (const extra of given.slice(1)) findings.forbidden(`${at}.${extra}`, "may not specify more than 1 handler type");
  switch (given[0]) {
    case "exec":
      if ((handler.exec?.command ?? []).length === 0) findings.required(`${at}.exec.command`);
      break;
    case "httpGet":
      if (!handler.httpGet?.path) findings.required(`${at}.httpGet.path`);
      checkPort(handler.httpGet?.port, `${at}.httpGet.port`, findings);
      if (handler.httpGet?.scheme !== "HTTP" && handler.httpGet?.scheme !== "HTTPS")
        findings.notSupported(`${at}.httpGet.scheme`, handler.httpGet?.scheme ?? "", ["HTTP", "HTTPS"]);
      for (const { name } of handler.httpGet?.httpHeaders ?? [])
        if (!/^[-A-Za-z0-9]+$/.test(name))
          findings.invalid(
            `${at}.httpGet.httpHeaders`,
            name,
            "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
          );
      break;
    case "tcpSocket":
      checkPort(handler.tcpSocket?.port, `${at}.tcpSocket.port`, findings);
      break;
    case "grpc":
      findings.invalidFor(`${at}.grpc.port`, handler.grpc?.port ?? 0, wrongWithPortNumber(handler.grpc?.port ?? 0));
      break;
    case "sleep": {
      const seconds = handler.sleep?.seconds ?? 0;
      if (graceSeconds !== undefined && (seconds < 0 || seconds > graceSeconds))
        findings.invalid(`${at}.sleep`, seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`);
      break;
    }
  }
}

/** A port by number, or by the name that a container gives it. */
export function checkPort(port: number | string | undefined, at: string, findings: Findings): void {
  if (typeof port === "string") findings.invalidFor(at, port, wrongWithPortName(port));
  else findings.invalidFor(at, port ?? 0, wrongWithPortNumber(port ?? 0));
}
