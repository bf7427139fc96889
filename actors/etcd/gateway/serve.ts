import type { handleUnaryCall, ServerDuplexStream, UntypedHandleCall } from "@grpc/grpc-js";
import type { MemberLink } from "./member-link";
import type { Incoming } from "./rpc";

/** What a service does, by the names of its methods. */
export interface Handlers {
  readonly [method: string]: UntypedHandleCall;
}

/** A stream in both directions, of requests of that shape. */
export type Duplex<T> = ServerDuplexStream<Incoming<T>, object>;

/** A method that answers once. `handle` throws a Refusal to say why not. */
export function unary<T>(link: MemberLink, handle: (incoming: Incoming<T>) => Promise<object>): handleUnaryCall<Incoming<T>, object> {
  return (call, callback) => {
    handle(call.request).then(
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
