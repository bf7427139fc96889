import type { handleUnaryCall, ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js";
import type { EtcdRequest, EtcdResponse, ResponseHeader } from "../../../protocol/etcd";
import type { Credential } from "../../../protocol/etcd-auth";
import { credentialOf, type Shown } from "./credential";
import type { MemberLink } from "./member-link";
import type { Incoming } from "./rpc";

/** What a service does, by the names of its methods. */
export interface Handlers {
  readonly [method: string]: UntypedHandleCall;
}

/** A stream in both directions, of requests of that shape. */
export type Duplex<T> = ServerDuplexStream<Incoming<T>, object>;

/** Asks the member on behalf of whoever makes a call. */
export class Asker {
  constructor(
    private readonly link: MemberLink,
    readonly as: Credential,
  ) {}

  static async of(link: MemberLink, call: Shown): Promise<Asker> {
    return new Asker(link, await credentialOf(call, link.tokens));
  }

  header(header: ResponseHeader): object {
    return this.link.header(header);
  }

  /** Throws a Refusal where the member refuses or does not answer. */
  ask<K extends EtcdResponse["kind"]>(kind: K, request: EtcdRequest): Promise<Extract<EtcdResponse, { kind: K }>> {
    return this.link.ask(kind, { ...request, as: this.as });
  }
}

/** A method that answers once. `handle` throws a Refusal to say why not. */
export function unary<T>(
  link: MemberLink,
  handle: (incoming: Incoming<T>, asker: Asker) => Promise<object>,
): handleUnaryCall<Incoming<T>, object> {
  return (call, callback) => {
    const answer = async () => handle(call.request, await Asker.of(link, call));
    answer().then(
      (response) => callback(null, response),
      (error: unknown) => callback(link.failure(error)),
    );
  };
}

/** Ends a stream with the status of what went wrong. */
export function failStream(
  link: MemberLink,
  call: { emit(event: "error", error: object): boolean; readonly cancelled: boolean },
  error: unknown,
): void {
  if (!call.cancelled) call.emit("error", link.failure(error));
}
