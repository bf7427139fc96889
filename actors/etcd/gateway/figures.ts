import type { ServiceDefinition } from "@grpc/grpc-js";
import { Registry } from "../../metrics/registry";

/** What a door counts of its clients: the bytes of their messages, as etcd's codec does (server/etcdserver/api/v3rpc/metrics.go). */
export class DoorFigures {
  private readonly registry = new Registry();
  private readonly received = this.registry
    .counter("etcd_network_client_grpc_received_bytes_total", "Bytes of messages from clients.")
    .at();
  private readonly sent = this.registry.counter("etcd_network_client_grpc_sent_bytes_total", "Bytes of messages to clients.").at();

  /** The same service, whose messages are counted. */
  counted(service: ServiceDefinition): ServiceDefinition {
    return Object.fromEntries(
      Object.entries(service).map(([name, method]) => [
        name,
        {
          ...method,
          requestDeserialize: (bytes: Buffer) => {
            this.received.add(bytes.length);
            return method.requestDeserialize(bytes);
          },
          responseSerialize: (message: unknown) => {
            const bytes = method.responseSerialize(message);
            this.sent.add(bytes.length);
            return bytes;
          },
        },
      ]),
    );
  }

  text(): string {
    return this.registry.text();
  }
}
