import type { KmsConfig } from "../actors/api-server/storage/encryption/kms";
import type { MsRange } from "../actors/container-runtime/image-behaviour";
import type { KeyServiceConfig } from "../actors/webhook/key-service";
import { address } from "../protocol/address";
import type { HostPlan } from "./cluster";
import type { Complaints } from "./language/complaints";
import { microseconds } from "./language/duration";
import { durationSchema, type JsonSchema, nameSchema, recordSchema } from "./schema";
import { latencySchema, standardLatencyMs } from "./webhooks";
import type { Params } from "./workloads/workload";

/** A key management plug-in with the service behind it, played by an actor on a host of its own, so that storms can break it. */
export interface KeyServicePlan extends KeyServiceConfig {
  /** "unix:///run/kms/vault.sock": what the `kms` provider of an EncryptionConfiguration leads to. */
  readonly endpoint: string;
}

/** The `keyServices` part of a scenario file. */
export const keyServicesSchema: JsonSchema = {
  type: "array",
  items: recordSchema(
    {
      name: nameSchema("its name: its host is key-service-NAME"),
      endpoint: {
        type: "string",
        pattern: "^unix:///?[^\\s]+$",
        description: 'the socket that leads to it, "unix:///run/kms/vault.sock": what a kms provider under `encryption` names',
      },
      latencyMs: latencySchema,
      rotateEvery: { ...durationSchema, description: "how often it goes over to another key; never where not given" },
    },
    ["name", "endpoint"],
  ),
  description: "a list of key management plug-ins (KMS v2), each with the service behind it",
};

/** Reads the `keyServices` part; what is wrong is noted. */
export function readKeyServices(value: unknown, complaints: Complaints): readonly KeyServicePlan[] {
  const read: KeyServicePlan[] = [];
  for (const [i, given] of ((value ?? []) as readonly Params[]).entries()) {
    const [name, endpoint] = [String(given.name), String(given.endpoint)];
    const { latencyMs = standardLatencyMs, rotateEvery } = given;
    const rotateMs = rotateEvery === undefined ? 0 : microseconds(rotateEvery) / 1000;
    if (rotateEvery !== undefined && rotateMs < 1000)
      complaints.complain(["keyServices", i, "rotateEvery"], "API servers ask once a minute which key it is: expected a second at least");
    if (read.some((other) => other.name === name))
      complaints.complain(["keyServices", i, "name"], `there is a key service "${name}" already`);
    if (read.some((other) => other.endpoint === endpoint))
      complaints.complain(["keyServices", i, "endpoint"], `${endpoint} leads to another one already`);
    read.push({ name, endpoint, rotateMs, latencyMs: latencyMs as MsRange });
  }
  return read;
}

/** Whom API servers ask instead of plug-ins at sockets. */
export function kmsActorsOf(services: readonly KeyServicePlan[]): KmsConfig {
  return { actors: Object.fromEntries(services.map(({ name, endpoint }) => [endpoint, address("key-service", name)])) };
}

/** Their hosts, over the zones in turn: `key-service-NAME` with the actor `key-service/NAME`. */
export function keyServiceHosts(services: readonly KeyServicePlan[], zone: (index: number) => string): readonly HostPlan[] {
  return services.map(({ name, latencyMs, rotateMs }, i): HostPlan => {
    const config: KeyServiceConfig = { name, latencyMs, rotateMs };
    const actors = [{ address: address("key-service", name), config: { ...config } }];
    return { name: `key-service-${name}`, zone: zone(i), role: "key-service", actors };
  });
}
