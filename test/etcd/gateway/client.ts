import { readFileSync } from "node:fs";
import { type Client, type ClientDuplexStream, credentials, makeClientConstructor, type ServiceError } from "@grpc/grpc-js";
import { serviceDefinition } from "../../../actors/etcd/gateway/rpc";
import type { ClientFiles } from "./doors";

// biome-ignore lint/suspicious/noExplicitAny: tests read whatever the server said
type Message = any;

/** A gRPC client of one service. */
export class ServiceClient {
  private readonly client: Client & Record<string, (...args: unknown[]) => unknown>;

  constructor(service: string, endpoint: string, files: Partial<ClientFiles> & Pick<ClientFiles, "ca">) {
    const { ca, key, cert } = files;
    const read = (file: string | undefined) => (file === undefined ? null : readFileSync(file));
    const Service = makeClientConstructor(serviceDefinition(service), service);
    this.client = new Service(endpoint.replace("https://", ""), credentials.createSsl(read(ca), read(key), read(cert)), {
      "grpc.max_send_message_length": -1,
      // Names, unlike addresses, may be sent when the connection is made.
      "grpc.ssl_target_name_override": "localhost",
    }) as unknown as typeof this.client;
  }

  /** The response; rejects with a ServiceError. */
  call(method: string, request: object): Promise<Message> {
    return new Promise((resolve, reject) => {
      this.client[method]!(request, (error: ServiceError | null, response: Message) => (error ? reject(error) : resolve(response)));
    });
  }

  /** "code: details" of a call that must fail. */
  async refusal(method: string, request: object): Promise<string> {
    const error = await this.call(method, request).then(
      () => {
        throw new Error(`${method} was not refused`);
      },
      (refused: ServiceError) => refused,
    );
    return `${error.code}: ${error.details}`;
  }

  open(method: string): Conversation {
    return new Conversation(this.client[method]!() as ClientDuplexStream<object, Message>);
  }

  /** Sends bytes that need be no message of the method's type. */
  raw(path: string, bytes: Buffer): Promise<string> {
    return new Promise((resolve) => {
      const same = (value: Buffer) => value;
      this.client.makeUnaryRequest(path, same, same, bytes, (error) => resolve(error ? `${error.code}: ${error.details}` : "served"));
    });
  }

  close(): void {
    this.client.close();
  }
}

/** A stream in both directions: what came is kept until it is asked for. */
export class Conversation {
  private readonly received: Message[] = [];
  private waiting: (() => void) | undefined;
  private ended: string | undefined;

  constructor(private readonly stream: ClientDuplexStream<object, Message>) {
    stream.on("data", (message: Message) => {
      this.received.push(message);
      this.waiting?.();
    });
    stream.on("error", (error: ServiceError) => {
      this.ended ??= `${error.code}: ${error.details}`;
      this.waiting?.();
    });
    stream.on("end", () => {
      this.ended ??= "ended";
      this.waiting?.();
    });
  }

  send(request: object): void {
    this.stream.write(request);
  }

  /** The next response. */
  async next(): Promise<Message> {
    while (this.received.length === 0) {
      if (this.ended !== undefined) throw new Error(`the stream has ended: ${this.ended}`);
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    }
    return this.received.shift();
  }

  /** "code: details" of how the stream ended, what came before aside. */
  async end(): Promise<string> {
    while (this.ended === undefined)
      await new Promise<void>((resolve) => {
        this.waiting = resolve;
      });
    return this.ended;
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  close(): void {
    this.stream.cancel();
  }

  finish(): void {
    this.stream.end();
  }
}
