import { sha256 } from "@noble/hashes/sha2";
import { bytesToHex } from "@noble/hashes/utils";
import type { KmsRequest } from "../../../../protocol/kms";
import { type Counter, exponentialBuckets, type Gauge, type Histogram, type Registry } from "../../../metrics/registry";

type Transformation = "from_storage" | "to_storage";

/** So many sets of labels with key ids are kept: plug-ins choose these ids. */
const keyIdsMax = 100;
const methods: Readonly<Record<KmsRequest["kind"], string>> = {
  "kms.status": "Status",
  "kms.encrypt": "Encrypt",
  "kms.decrypt": "Decrypt",
};

/**
 * How an API server's encryption is counted, under kube-apiserver's names. Compared with apiserver's pkg/storage/value/metrics.go and
 * pkg/storage/value/encrypt/envelope/metrics; those of KMS v1 have no place here.
 */
export class EncryptionFigures {
  private readonly latencies: Histogram;
  private readonly uses: Counter;
  private readonly lastUses: Gauge;
  private readonly lastTold: Gauge;
  private readonly invalid: Counter;
  private readonly sources: Gauge;
  private readonly misses: Counter;
  private readonly transformations: Counter;
  /** Labels with key ids, those used last at the end. */
  private readonly used = new Map<string, readonly string[]>();
  private readonly told = new Map<string, readonly string[]>();
  private readonly durations: Histogram;
  private readonly server: string;
  /** The server's own clock: where it is virtual, what is computed takes no time. */
  nowUs: () => number = () => 0;

  /** `self` is the server's name. */
  constructor(registry: Registry, self: string) {
    this.server = hashOf(self);
    const name = (rest: string) => `apiserver_envelope_encryption_${rest}`;
    const storage = (rest: string) => `apiserver_storage_${rest}`;
    const use = ["transformation_type", "provider_name", "key_id_hash", "apiserver_id_hash"];
    const latency = "How long plug-ins took to answer, by method and gRPC status.";
    const methodLabels = ["provider_name", "method_name", "grpc_status_code"];
    this.latencies = registry.histogram(name("kms_operations_latency_seconds"), latency, methodLabels, exponentialBuckets(0.0001, 2, 20));
    this.uses = registry.counter(name("key_id_hash_total"), "How often a plug-in's key was used, by direction.", use);
    const last = "When a plug-in's key was last used, in seconds since 1970.";
    this.lastUses = registry.gauge(name("key_id_hash_last_timestamp_seconds"), last, use);
    const told = "When a plug-in last named a key in its status, in seconds since 1970.";
    this.lastTold = registry.gauge(name("key_id_hash_status_last_timestamp_seconds"), told, use.slice(1));
    const invalid = "Status answers of plug-ins with a key id that cannot be, by what is wrong with it.";
    this.invalid = registry.counter(name("invalid_key_id_from_status_total"), invalid, ["provider_name", "error"]);
    this.sources = registry.gauge(name("dek_source_cache_size"), "Seeds and keys that a plug-in has decrypted for this server.", [
      "provider_name",
    ]);
    this.misses = registry.counter(
      storage("envelope_transformation_cache_misses_total"),
      "Values for whose key a plug-in had to be asked.",
    );
    this.durations = registry.histogram(
      storage("transformation_duration_seconds"),
      "How long values took to be encrypted and decrypted, where that went well; what plug-ins are asked is asked before.",
      ["resource", "transformation_type", "transformer_prefix"],
      exponentialBuckets(5e-6, 2, 25),
    );
    this.transformations = registry.counter(
      storage("transformation_operations_total"),
      "Values that were encrypted and decrypted, by resource, by what stands before them and by what came of it.",
      ["resource", "transformation_type", "transformer_prefix", "status"],
    );
  }

  /** A plug-in answered, or did not: `error` is "" or in gRPC's words. */
  asked(provider: string, kind: KmsRequest["kind"], error: string, tookUs: number): void {
    const code = error === "" ? "OK" : (/^rpc error: code = (\w+) /.exec(error)?.[1] ?? "unknown-non-grpc");
    this.latencies.observe([provider, `/v2.KeyManagementService/${methods[kind]}`, code], tookUs / 1e6);
    if (kind === "kms.decrypt") this.misses.add();
  }

  keyUsed(type: Transformation, provider: string, keyId: string, nowMs: number): void {
    const labels = [type, provider, hashOf(keyId), this.server];
    this.uses.add(labels);
    this.lastUses.set(labels, nowMs / 1000);
    remember(this.used, labels, (oldest) => {
      this.uses.forget(oldest);
      this.lastUses.forget(oldest);
    });
  }

  /** A plug-in says in its status that this is its key. */
  named(provider: string, keyId: string, nowMs: number): void {
    const labels = [provider, hashOf(keyId), this.server];
    this.lastTold.set(labels, nowMs / 1000);
    remember(this.told, labels, (oldest) => this.lastTold.forget(oldest));
  }

  /** It says that its key is one that cannot be. */
  misnamed(provider: string, keyId: string): void {
    this.invalid.add([provider, keyId === "" ? "empty" : "too_long"]);
  }

  /** So many more seeds and keys are known. */
  learned(provider: string): void {
    this.sources.add([provider]);
  }

  /** A value was encrypted or decrypted by what stands before it: `prefixes` from the outside in. */
  transformed(resource: string, type: Transformation, prefixes: readonly string[], ok: boolean, fromUs: number): void {
    const tookUs = this.nowUs() - fromUs;
    for (const prefix of prefixes) {
      this.transformations.add([resource, type, prefix, ok ? "OK" : "unknown-non-grpc"]);
      if (ok) this.durations.observe([resource, type, prefix], tookUs / 1e6);
    }
  }
}

function remember(recent: Map<string, readonly string[]>, labels: readonly string[], forget: (oldest: readonly string[]) => void): void {
  const key = labels.join(" ");
  recent.delete(key);
  recent.set(key, labels);
  if (recent.size <= keyIdsMax) return;
  const [oldest] = recent;
  recent.delete(oldest![0]);
  forget(oldest![1]);
}

function hashOf(text: string): string {
  return text === "" ? "" : `sha256:${bytesToHex(sha256(Buffer.from(text)))}`;
}
