import { resolve } from "node:path";
import type { Command } from "commander";
import type { ApiServerConfig } from "../actors/api-server/config";
import { parseDurationMs } from "../protocol/kinds/duration";
import type { AuditBatchOptions } from "./audit-batches";
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
  readonly auditLogMode?: string;
  readonly auditLogBatchBufferSize?: string;
  readonly auditLogBatchMaxSize?: string;
  readonly auditLogBatchMaxWait?: string;
  readonly auditLogBatchThrottleEnable?: string;
  readonly auditLogBatchThrottleQps?: string;
  readonly auditLogBatchThrottleBurst?: string;
  readonly auditLogTruncateEnabled?: boolean;
  readonly auditLogTruncateMaxBatchSize?: string;
  readonly auditLogTruncateMaxEventSize?: string;
  readonly auditWebhookTruncateEnabled?: boolean;
  readonly auditWebhookTruncateMaxBatchSize?: string;
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

/** "batch": events are written in the background; "blocking": before the answer; "blocking-strict": a request whose beginning cannot be written is refused. */
export type AuditMode = "batch" | "blocking" | "blocking-strict";

export interface AuditOptions {
  readonly policy: NonNullable<ApiServerConfig["audit"]>;
  readonly log: (AuditLogOptions & { readonly mode: AuditMode; readonly batch: AuditBatchOptions }) | undefined;
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
    .option(
      "--audit-log-mode <mode>",
      "batch: in the background; blocking: before the answer; blocking-strict: a request is refused without it (default blocking)",
    )
    .option("--audit-log-batch-buffer-size <count>", "events that wait at most, in batch mode; others are lost (default 10000)")
    .option("--audit-log-batch-max-size <count>", "events that are written at a time (default 1)")
    .option("--audit-log-batch-max-wait <duration>", "how long events wait for others (default 0s)")
    .option("--audit-log-batch-throttle-enable <boolean>", "whether batches are held back at all (default false)")
    .option("--audit-log-batch-throttle-qps <count>", "batches a second")
    .option("--audit-log-batch-throttle-burst <count>", "batches at once")
    .option("--audit-log-truncate-enabled", "whether events that are too large lose the objects of request and answer (default: no)")
    .option("--audit-log-truncate-max-event-size <bytes>", "what is too large; what still is without them is lost (default 102400)")
    .option(
      "--audit-log-truncate-max-batch-size <bytes>",
      "no less than that of an event; servers hand on one event at a time (default 10485760)",
    )
    .option("--audit-webhook-truncate-enabled", "the same, of what is sent to the webhook")
    .option("--audit-webhook-truncate-max-event-size <bytes>", "the same (default 102400)")
    .option("--audit-webhook-truncate-max-batch-size <bytes>", "the same (default 10485760)")
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
      log: truncation("log", flags.auditLogTruncateEnabled, flags.auditLogTruncateMaxEventSize, flags.auditLogTruncateMaxBatchSize),
      webhook: truncation(
        "webhook",
        flags.auditWebhookTruncateEnabled,
        flags.auditWebhookTruncateMaxEventSize,
        flags.auditWebhookTruncateMaxBatchSize,
      ),
    },
  };
}

function truncation(of: "log" | "webhook", enabled = false, size = "102400", batchSize = "10485760"): AuditTruncation | undefined {
  const maxEventBytes = positive(`--audit-${of}-truncate-max-event-size`, size);
  const maxBatchBytes = positive(`--audit-${of}-truncate-max-batch-size`, batchSize);
  if (maxBatchBytes < maxEventBytes)
    throw new InputError(
      `--audit-${of}-truncate-max-batch-size ${batchSize}: expected no less than --audit-${of}-truncate-max-event-size ${size}`,
    );
  return enabled ? { maxEventBytes } : undefined;
}

function logOptions(flags: AuditFlags, path: string): NonNullable<AuditOptions["log"]> {
  return {
    path: path === "-" ? "-" : resolve(path),
    // 100 MB is what a real server takes where the flag is 0.
    maxBytes: (count("--audit-log-maxsize", flags.auditLogMaxsize) || 100) * 1024 * 1024,
    maxBackups: count("--audit-log-maxbackup", flags.auditLogMaxbackup),
    maxAgeMs: count("--audit-log-maxage", flags.auditLogMaxage) * dayMs,
    mode: mode("--audit-log-mode", flags.auditLogMode ?? "blocking"),
    // Batches are no use to a file, so by default each event is one.
    batch: {
      bufferSize: positive("--audit-log-batch-buffer-size", flags.auditLogBatchBufferSize ?? "10000"),
      maxSize: positive("--audit-log-batch-max-size", flags.auditLogBatchMaxSize ?? "1"),
      maxWaitMs: duration("--audit-log-batch-max-wait", flags.auditLogBatchMaxWait ?? "0s"),
      ...throttle("log", flags.auditLogBatchThrottleEnable ?? "false", flags.auditLogBatchThrottleQps, flags.auditLogBatchThrottleBurst),
    },
  };
}

function webhookOptions(flags: AuditFlags, file: string): AuditWebhookOptions {
  const how = mode("--audit-webhook-mode", flags.auditWebhookMode ?? "batch");
  const access = readAuditWebhookAccess(file);
  if (how === "blocking-strict" && "cert" in access.tls)
    throw new InputError(
      `--audit-webhook-config-file ${file}: with --audit-webhook-mode blocking-strict a client certificate is not shown: use a token`,
    );
  return {
    access,
    mode: how,
    initialBackoffMs: longer("--audit-webhook-initial-backoff", flags.auditWebhookInitialBackoff ?? "10s"),
    batch: {
      bufferSize: positive("--audit-webhook-batch-buffer-size", flags.auditWebhookBatchBufferSize ?? "10000"),
      maxSize: positive("--audit-webhook-batch-max-size", flags.auditWebhookBatchMaxSize ?? "400"),
      maxWaitMs: longer("--audit-webhook-batch-max-wait", flags.auditWebhookBatchMaxWait ?? "30s"),
      ...throttle(
        "webhook",
        flags.auditWebhookBatchThrottleEnable ?? "true",
        flags.auditWebhookBatchThrottleQps ?? "10",
        flags.auditWebhookBatchThrottleBurst ?? "15",
      ),
    },
  };
}

function mode(flag: string, text: string): AuditMode {
  if (text !== "batch" && text !== "blocking" && text !== "blocking-strict")
    throw new InputError(`${flag} ${text}: expected batch, blocking or blocking-strict`);
  return text;
}

/** What holds batches back. Where nothing does, how much is not asked for. */
function throttle(
  of: "log" | "webhook",
  enable: string,
  qps: string | undefined,
  burst: string | undefined,
): Pick<AuditBatchOptions, "throttles" | "throttleQps" | "throttleBurst"> {
  const flag = `--audit-${of}-batch-throttle`;
  if (enable !== "true" && enable !== "false") throw new InputError(`${flag}-enable ${enable}: expected true or false`);
  const throttles = enable === "true";
  const missing = qps === undefined ? "qps" : burst === undefined ? "burst" : "";
  if (throttles && missing !== "") throw new InputError(`${flag}-enable true: ${flag}-${missing} says how much`);
  if (qps !== undefined && !(/^\d{1,9}(\.\d{1,6})?$/.test(qps) && Number(qps) > 0))
    throw new InputError(`${flag}-qps ${qps}: expected a number above 0`);
  return { throttles, throttleQps: Number(qps ?? 0), throttleBurst: burst === undefined ? 0 : positive(`${flag}-burst`, burst) };
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
  const ms = parseDurationMs(text);
  if (ms === undefined || ms < 0) throw new InputError(`${flag} ${text}: expected a duration such as "30s"`);
  return ms;
}

function longer(flag: string, text: string): number {
  const ms = duration(flag, text);
  if (!(ms > 0)) throw new InputError(`${flag} ${text}: expected a duration such as "30s"`);
  return ms;
}
