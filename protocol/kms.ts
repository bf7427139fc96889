/**
 * What an API server says to a key management plug-in (KMS v2 of an EncryptionConfiguration): asked of an actor that plays one (simulated), or of the service
 * "kms/HOST" that speaks gRPC to the real one at a Unix socket (live). Source: k8s.io/kms, apis/v2.
 */
export type KmsRequest = KmsStatusRequest | KmsEncryptRequest | KmsDecryptRequest;

interface Asked {
  /** "unix:///run/kms.sock". */
  readonly endpoint: string;
}

export interface KmsStatusRequest extends Asked {
  readonly kind: "kms.status";
}

export interface KmsEncryptRequest extends Asked {
  readonly kind: "kms.encrypt";
  readonly uid: string;
  readonly plaintext: Uint8Array;
}

export interface KmsDecryptRequest extends Asked {
  readonly kind: "kms.decrypt";
  readonly uid: string;
  readonly ciphertext: Uint8Array;
  readonly keyId: string;
  readonly annotations: KmsAnnotations;
}

/** What a plug-in wants to be told again when it decrypts, by name. */
export type KmsAnnotations = readonly (readonly [string, Uint8Array])[];

export type KmsResponse =
  | { readonly kind: "kms.status.response"; readonly version: string; readonly healthz: string; readonly keyId: string }
  | {
      readonly kind: "kms.encrypt.response";
      readonly ciphertext: Uint8Array;
      readonly keyId: string;
      readonly annotations: KmsAnnotations;
    }
  | { readonly kind: "kms.decrypt.response"; readonly plaintext: Uint8Array }
  /** In gRPC's words: "rpc error: code = Unavailable desc = …". */
  | { readonly kind: "kms.error"; readonly message: string };

export type KmsMessage = KmsRequest | KmsResponse;
