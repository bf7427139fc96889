import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { type INamespace, Root, type Type } from "protobufjs";
import reflection from "./rpc.protobuf.json";
import { checkWireFormat } from "./wire-format";

/** etcd's services and messages, as its protobuf definitions give them. */

const root = Root.fromJSON(reflection as INamespace);
root.resolveAll();

/** A request and how many bytes it was on the wire. */
export interface Incoming<T> {
  readonly message: T;
  readonly sizeBytes: number;
}

export function messageType(name: string): Type {
  return root.lookupType(name);
}

/** A service of package etcdserverpb as grpc-js wants it: "KV", "Watch", "Lease", "Cluster", "Maintenance", "Auth". */
export function serviceDefinition(name: string): ServiceDefinition {
  const service = root.lookupService(`etcdserverpb.${name}`);
  return Object.fromEntries(
    service.methodsArray.map((method) => {
      const request = service.lookupType(method.requestType);
      const response = service.lookupType(method.responseType);
      const definition: MethodDefinition<object, object> = {
        path: `/etcdserverpb.${name}/${method.name}`,
        requestStream: method.requestStream ?? false,
        responseStream: method.responseStream ?? false,
        requestSerialize: encodeWith(request),
        requestDeserialize: (bytes) => {
          checkWireFormat(request, bytes);
          return { message: request.decode(bytes), sizeBytes: bytes.length };
        },
        responseSerialize: encodeWith(response),
        responseDeserialize: (bytes) => response.decode(bytes),
      };
      return [method.name, definition];
    }),
  );
}

/** A message that is bytes already stays as it is. */
function encodeWith(type: Type): (message: object) => Buffer {
  return (message) => (Buffer.isBuffer(message) ? message : (type.encode(message).finish() as Buffer));
}
