import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { Root, type Type } from "protobufjs";
import type { KmsAnnotations, KmsMessage, KmsRequest, KmsResponse } from "../../../protocol/kms";
import type { ServedRequest, ServedStream, Service, StreamListener } from "../../../runtime/serving";

const bytesByName = { keyType: "string", type: "bytes" };
const field = (id: number, type: string) => ({ id, type });

/** The messages of service v2.KeyManagementService, as plug-ins know them (k8s.io/kms, apis/v2/api.proto). */
const messages = Root.fromJSON({
  nested: {
    StatusRequest: { fields: {} },
    StatusResponse: { fields: { version: field(1, "string"), healthz: field(2, "string"), keyId: field(3, "string") } },
    EncryptRequest: { fields: { plaintext: field(1, "bytes"), uid: field(2, "string") } },
    EncryptResponse: {
      fields: { ciphertext: field(1, "bytes"), keyId: field(2, "string"), annotations: { id: 3, ...bytesByName } },
    },
    DecryptRequest: {
      fields: { ciphertext: field(1, "bytes"), uid: field(2, "string"), keyId: field(3, "string"), annotations: { id: 4, ...bytesByName } },
    },
    DecryptResponse: { fields: { plaintext: field(1, "bytes") } },
  },
});

type Method = "Status" | "Encrypt" | "Decrypt";

export const kmsPath = (method: Method) => `/v2.KeyManagementService/${method}`;
export const kmsMessage = (method: Method, part: "Request" | "Response"): Type => messages.lookupType(`${method}${part}`);

const options = {
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 2_000,
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
};

/** The door through which an API server speaks to key management plug-ins at Unix sockets of this machine; it decides nothing. */
export class KmsGateway implements Service<KmsMessage> {
  private readonly clients = new Map<string, Client>();

  asked({ body, deadlineMs, reply, refuse }: ServedRequest<KmsMessage>): void {
    switch (body.kind) {
      case "kms.status":
        return this.call(body, "Status", {}, deadlineMs, reply, ({ version = "", healthz = "", keyId = "" }) => ({
          ...{ kind: "kms.status.response", version, healthz, keyId },
        }));
      case "kms.encrypt": {
        const { plaintext, uid } = body;
        return this.call(body, "Encrypt", { plaintext, uid }, deadlineMs, reply, ({ ciphertext = none, keyId = "", annotations }) => ({
          ...{ kind: "kms.encrypt.response", ciphertext, keyId, annotations: sorted(annotations) },
        }));
      }
      case "kms.decrypt": {
        const { ciphertext, uid, keyId, annotations } = body;
        const request = { ciphertext, uid, keyId, annotations: Object.fromEntries(annotations) };
        return this.call(body, "Decrypt", request, deadlineMs, reply, ({ plaintext = none }) => ({
          kind: "kms.decrypt.response",
          plaintext,
        }));
      }
      default:
        return refuse(`no ${body.kind} is answered here`);
    }
  }

  opened(body: KmsMessage, stream: ServedStream): StreamListener<KmsMessage> {
    stream.close("refused", `no ${body.kind} is answered here`);
    return { closed: () => undefined };
  }

  close(): void {
    for (const client of this.clients.values()) client.close();
    this.clients.clear();
  }

  private call(
    { endpoint }: KmsRequest,
    method: Method,
    request: object,
    deadlineMs: number,
    reply: (body: KmsResponse) => void,
    read: (answer: Answer) => KmsResponse,
  ): void {
    const [asked, answered] = [kmsMessage(method, "Request"), kmsMessage(method, "Response")];
    const serialize = (message: object) => asked.encode(message).finish() as Buffer;
    const deserialize = (bytes: Buffer) => answered.toObject(answered.decode(bytes)) as Answer;
    const deadline = Date.now() + deadlineMs;
    this.clientOf(endpoint).makeUnaryRequest(
      kmsPath(method),
      serialize,
      deserialize,
      request,
      new Metadata(),
      { deadline },
      (error, answer) => reply(error ? { kind: "kms.error", message: describe(error) } : read(answer ?? {})),
    );
  }

  private clientOf(endpoint: string): Client {
    const known = this.clients.get(endpoint);
    if (known) return known;
    const made = new Client(endpoint, credentials.createInsecure(), options);
    this.clients.set(endpoint, made);
    return made;
  }
}

interface Answer {
  readonly version?: string;
  readonly healthz?: string;
  readonly keyId?: string;
  readonly ciphertext?: Uint8Array;
  readonly plaintext?: Uint8Array;
  readonly annotations?: Readonly<Record<string, Uint8Array>>;
}

const none = new Uint8Array();

function sorted(annotations: Answer["annotations"] = {}): KmsAnnotations {
  return Object.entries(annotations).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** As Go writes it. */
function describe({ code, details }: ServiceError): string {
  const name = (status[code] ?? "UNKNOWN").split("_").map((word) => word[0] + word.slice(1).toLowerCase());
  return `rpc error: code = ${name.join("").replace("Cancelled", "Canceled")} desc = ${details}`;
}
