import { resolve } from "node:path";
import type { Command } from "commander";
import type { ApiServerConfig } from "../actors/api-server/config";
import { microseconds } from "../scenarios/language/duration";
import type { AuditLogOptions } from "./audit-log";
import { readAuditPolicy } from "./audit-policy";
import type { AuditTruncation } from "./audit-truncation";
import type { AuditWebhookOptions } from "./audit-webhook";
import { readAuditWebhookAccess } from "./audit-webhook-access";
import { InputError } from "./exit";

/** kube-apiserver's own flags of the audit log and of its webhook. */
export interface AuditFlags {
  readonly auditPolicyFile?: string;
  readonly auditLogPath?: string;
  readonly auditLogMaxsize?: string;
  readonly auditLogMaxbackup?: string;
  readonly auditLogMaxage?: string;
  readonly auditLogTruncateEnabled?: boolean;
  readonly auditLogTruncateMaxEventSize?: string;
  readonly auditWebhookTruncateEnabled?: boolean;
  readonly auditWebhookTruncateMaxEventSize?: string;
  readonly auditWebhookConfigFile?: string;
  readonly auditWebhookMode?: string;
  readonly auditWebhookInitialBackoff?: string;
  readonly auditWebhookBatchBufferSize?: string;
  readonly auditWebhookBatchMaxSize?: string;
  readonly auditWebhookBatchMaxWait?: string;
  readonly auditWebhookBatchThrottleEnable?: string;
  readonly auditWebhookBatchThrottleQps?: string;
  readonly auditWebhookBatchThrottleBurst?: string;
}

export interface AuditOptions {
  readonly policy: NonNullable<ApiServerConfig["audit"]>;
  readonly log: AuditLogOptions | undefined;
  readonly webhook: AuditWebhookOptions | undefined;
  /** Undefined where events are written whole, however large. */
  readonly truncation: { readonly log: AuditTruncation | undefined; readonly webhook: AuditTruncation | undefined };
}

const dayMs = 24 * 3_600_000;

/** Declares them. */
export function addAuditFlags(command: Command): Command {
  return command
    .option("--audit-policy-file <file>", "which requests are written to the audit log: a Policy of audit.k8s.io/v1, as YAML")
    .option("--audit-log-path <file>", 'where the audit log goes, one JSON event a line; "-" is standard output')
    .option("--audit-log-maxsize <megabytes>", "the size at which the file is put aside (default 100)")
    .option("--audit-log-maxbackup <count>", "files of before that are kept (default: all)")
    .option("--audit-log-maxage <days>", "how long they are kept (default: for ever)")
    .option("--audit-log-truncate-enabled", "whether events that are too large lose the objects of request and answer (default: no)")
    .option("--audit-log-truncate-max-event-size <bytes>", "what is too large; what still is without them is lost (default 102400)")
    .option("--audit-webhook-truncate-enabled", "the same, of what is sent to the webhook")
    .option("--audit-webhook-truncate-max-event-size <bytes>", "the same (default 102400)")
    .option("--audit-webhook-config-file <file>", "a kubeconfig whose server audit events are posted to")
    .option(
      "--audit-webhook-mode <mode>",
      "batch: in the background; blocking: answers wait for it; blocking-strict: requests wait for it too, and are refused without it (default batch)",
    )
    .option("--audit-webhook-initial-backoff <duration>", "how long it is left alone before it is tried again (default 10s)")
    .option("--audit-webhook-batch-buffer-size <count>", "events that wait at most; others are lost (default 10000)")
    .option("--audit-webhook-batch-max-size <count>", "events in one request (default 400)")
    .option("--audit-webhook-batch-max-wait <duration>", "how long events wait for others (default 30s)")
    .option("--audit-webhook-batch-throttle-enable <boolean>", "whether requests are held back at all (default true)")
    .option("--audit-webhook-batch-throttle-qps <count>", "requests a second (default 10)")
    .option("--audit-webhook-batch-throttle-burst <count>", "requests at once (default 15)");
}

/** Checks the flags, and reads the policy and the webhook's kubeconfig. Throws an InputError. */
export function readAudit(flags: AuditFlags): AuditOptions | undefined {
  const { auditPolicyFile: policyFile, auditLogPath: path, auditWebhookConfigFile: webhookFile } = flags;
  if (policyFile === undefined) {
    if (path !== undefined) throw new InputError(`--audit-log-path ${path}: without --audit-policy-file nothing is logged`);
    if (webhookFile !== undefined)
      throw new InputError(`--audit-webhook-config-file ${webhookFile}: without --audit-policy-file nothing is sent`);
    return undefined;
  }
  if (path === undefined && webhookFile === undefined)
    throw new InputError(
      `--audit-policy-file ${policyFile}: --audit-log-path says where events go, "-" for standard output; or --audit-webhook-config-file`,
    );
  return {
    policy: readAuditPolicy(policyFile),
    log: path === undefined ? undefined : logOptions(flags, path),
    webhook: webhookFile === undefined ? undefined : webhookOptions(flags, webhookFile),
    truncation: {
      log: truncation("log", flags.auditLogTruncateEnabled, flags.auditLogTruncateMaxEventSize),
      webhook: truncation("webhook", flags.auditWebhookTruncateEnabled, flags.auditWebhookTruncateMaxEventSize),
    },
  };
}

function truncation(of: "log" | "webhook", enabled = false, size = "102400"): AuditTruncation | undefined {
  const maxEventBytes = positive(`--audit-${of}-truncate-max-event-size`, size);
  return enabled ? { maxEventBytes } : undefined;
}

function logOptions(flags: AuditFlags, path: string): AuditLogOptions {
  return {
    path: path === "-" ? "-" : resolve(path),
    // 100 MB is what a real server takes where the flag is 0.
    maxBytes: (count("--audit-log-maxsize", flags.auditLogMaxsize) || 100) * 1024 * 1024,
    maxBackups: count("--audit-log-maxbackup", flags.auditLogMaxbackup),
    maxAgeMs: count("--audit-log-maxage", flags.auditLogMaxage) * dayMs,
  };
}

function webhookOptions(flags: AuditFlags, file: string): AuditWebhookOptions {
  const { auditWebhookMode: mode = "batch" } = flags;
  if (mode !== "batch" && mode !== "blocking" && mode !== "blocking-strict")
    throw new InputError(`--audit-webhook-mode ${mode}: expected batch, blocking or blocking-strict`);
  const throttles = flags.auditWebhookBatchThrottleEnable ?? "true";
  if (throttles !== "true" && throttles !== "false")
    throw new InputError(`--audit-webhook-batch-throttle-enable ${throttles}: expected true or false`);
  const access = readAuditWebhookAccess(file);
  if (mode === "blocking-strict" && "cert" in access.tls)
    throw new InputError(
      `--audit-webhook-config-file ${file}: with --audit-webhook-mode blocking-strict a client certificate is not shown: use a token`,
    );
  return {
    access,
    mode,
    initialBackoffMs: duration("--audit-webhook-initial-backoff", flags.auditWebhookInitialBackoff ?? "10s"),
    batch: {
      bufferSize: positive("--audit-webhook-batch-buffer-size", flags.auditWebhookBatchBufferSize ?? "10000"),
      maxSize: positive("--audit-webhook-batch-max-size", flags.auditWebhookBatchMaxSize ?? "400"),
      maxWaitMs: duration("--audit-webhook-batch-max-wait", flags.auditWebhookBatchMaxWait ?? "30s"),
      throttles: throttles === "true",
      throttleQps: positive("--audit-webhook-batch-throttle-qps", flags.auditWebhookBatchThrottleQps ?? "10"),
      throttleBurst: positive("--audit-webhook-batch-throttle-burst", flags.auditWebhookBatchThrottleBurst ?? "15"),
    },
  };
}

function count(flag: string, text = "0"): number {
  if (!/^\d{1,9}$/.test(text)) throw new InputError(`${flag} ${text}: expected a whole number, 0 or more`);
  return Number(text);
}

function positive(flag: string, text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InputError(`${flag} ${text}: expected a whole number, 1 or more`);
  return Number(text);
}

function duration(flag: string, text: string): number {
  const us = microseconds(text);
  if (!(us > 0)) throw new InputError(`${flag} ${text}: expected a duration such as "30s"`);
  return us / 1000;
}
