/** The part of the library that is used; it brings no types of its own. */
declare module "spdy-transport" {
  import type { EventEmitter } from "node:events";
  import type { Duplex } from "node:stream";

  export interface WindowSide {
    current: number;
    limit: number;
  }

  export interface SpdyStream extends Duplex {
    readonly id: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly _spdyState: { readonly window: { readonly send: WindowSide } };
    respond(status: number, headers: Readonly<Record<string, string>>): void;
    abort(): void;
  }

  export type Headers = Readonly<Record<string, string>>;
  export type ThenHeaders = (error: Error | null, headers?: Headers) => void;

  export interface SpdyConnection extends EventEmitter {
    readonly _spdyState: {
      readonly window: { readonly send: WindowSide };
      readonly parser: EventEmitter & { parseKVs(buffer: unknown, then: ThenHeaders): void };
    };
    start(version: number): void;
  }

  export const connection: {
    create(socket: Duplex, options: { protocol: "spdy"; isServer: boolean; windowSize?: number }): SpdyConnection;
  };
}
