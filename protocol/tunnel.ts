/**
 * What goes through a tunnel: exec and attach into a container, port-forward into a pod. A tunnel is a stream whose items carry bytes on
 * numbered channels, in both directions and through every hop unchanged (gateway, API server, kubelet, container runtime).
 */

/** Bytes on a channel. */
export interface TunnelData {
  readonly kind: "tunnel.data";
  readonly channel: number;
  readonly bytes: Uint8Array;
}

/** Nothing more comes on this channel from this side. */
export interface TunnelClose {
  readonly kind: "tunnel.close";
  readonly channel: number;
}

/** Opens a connection to a port of the pod, under a channel that the opener numbers. Only in port-forward. */
export interface TunnelConnect {
  readonly kind: "tunnel.connect";
  readonly channel: number;
  readonly port: number;
}

/** A connection failed; nothing more comes on its channel. Only in port-forward. */
export interface TunnelFailed {
  readonly kind: "tunnel.failed";
  readonly channel: number;
  readonly message: string;
}

export type TunnelMessage = TunnelData | TunnelClose | TunnelConnect | TunnelFailed;

/** The channels of exec and attach, as in remotecommand's subprotocols. On `error` comes one metav1.Status, last; on `resize` JSON { Width, Height }. */
export const tunnelChannels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;

export function isTunnelMessage(body: { readonly kind: string }): body is TunnelMessage {
  return body.kind.startsWith("tunnel.");
}
