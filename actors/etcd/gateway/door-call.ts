import { ServerInterceptingCall, type ServerInterceptingCallInterface, type ServerInterceptor } from "@grpc/grpc-js";

type AuthContext = ReturnType<ServerInterceptingCall["getAuthContext"]>;

/**
 * A message of a stream, and who wants to know that it has left: what is written is handed on at once, so that the connection takes many messages
 * together; whoever writes counts for itself how much is under way.
 */
export class Outgoing {
  constructor(
    readonly message: object,
    readonly left: () => void,
  ) {}
}

/** A connection's certificate costs more to read than many a request to answer: it is read once. */
const shown = new WeakMap<object, AuthContext>();

class DoorCall extends ServerInterceptingCall {
  /** `connection`: of the call; undefined where grpc-js does not show it. */
  constructor(
    call: ServerInterceptingCallInterface,
    private readonly connection: object | undefined,
  ) {
    super(call);
  }

  override sendMessage(message: unknown, callback: () => void): void {
    if (!(message instanceof Outgoing)) return super.sendMessage(message, callback);
    super.sendMessage(message.message, message.left);
    callback();
  }

  override getAuthContext(): AuthContext {
    const known = this.connection && shown.get(this.connection);
    if (known) return known;
    const context = super.getAuthContext();
    if (this.connection) shown.set(this.connection, context);
    return context;
  }
}

export const doorCalls: ServerInterceptor = (_method, call) => {
  const { stream } = call as unknown as { readonly stream?: { readonly session?: object } };
  return new DoorCall(call, stream?.session);
};
