import type { status } from "@grpc/grpc-js";
import type { EtcdRequest, EtcdResponse, ResponseHeader, WatchResponse } from "../../../protocol/etcd";
import { idOf } from "./identity";
import type { EtcdPort } from "./port";
import { answered, statusOf } from "./refusal";
import { type Answering, headerFor, writeEvent } from "./responses";
import { messageType } from "./rpc";
import { Tokens } from "./tokens";

const watchResponse = messageType("etcdserverpb.WatchResponse");

export interface MemberLinkOptions {
  readonly port: EtcdPort;
  /** The address of the member behind this gateway. */
  readonly member: string;
  /** Where clients reach a member, by its address. */
  readonly clientUrlsOf: (member: string) => readonly string[];
  /** What no other cluster has, such as the hash of its authority's key. */
  readonly cluster: string;
  /** How long the member has for an answer. */
  readonly requestTimeoutMs: number;
  readonly maxRequestBytes: number;
  /** How long clients' tokens are good for. */
  readonly tokenTtlMs: number;
  /** Told of what should not happen: a handler that threw. */
  readonly onError: (error: unknown) => void;
}

/** What all services share: the member that is asked, and who answers. */
export class MemberLink {
  readonly answering: Answering;
  readonly tokens: Tokens;
  private lastEvents: { readonly response: WatchResponse; readonly bytes: Buffer } | undefined;

  constructor(readonly options: MemberLinkOptions) {
    this.tokens = new Tokens(options.tokenTtlMs, () =>
      this.ask("etcd.auth.response", { kind: "etcd.auth.read", question: { type: "secrets", user: "" } }),
    );
    this.answering = { cluster: idOf(options.cluster), member: this.idOfMember(options.member) };
  }

  get port(): EtcdPort {
    return this.options.port;
  }

  idOfMember(address: string) {
    return idOf(this.options.cluster, address);
  }

  header(header: ResponseHeader): object {
    return headerFor(this.answering, header);
  }

  /** A response with events as bytes, without the id of a watch: one for all watches that the member sends the same. */
  eventsAsBytes(response: WatchResponse): Buffer {
    if (this.lastEvents?.response !== response) {
      const fields = { header: this.header(response.header), events: response.events.map(writeEvent) };
      this.lastEvents = { response, bytes: watchResponse.encode(fields).finish() as Buffer };
    }
    return this.lastEvents.bytes;
  }

  /** Asks the member; throws a Refusal where it refuses or does not answer. */
  async ask<K extends EtcdResponse["kind"]>(kind: K, request: EtcdRequest): Promise<Extract<EtcdResponse, { kind: K }>> {
    return answered(kind, await this.port.ask(request, this.options.requestTimeoutMs));
  }

  /** What a handler threw, as gRPC's status. */
  failure(error: unknown): { readonly code: status; readonly details: string } {
    return statusOf(error, this.options.onError);
  }

  /** The member's revision and term, where nothing else says them. */
  async currentHeader(): Promise<ResponseHeader> {
    return (await this.ask("etcd.status.response", { kind: "etcd.status" })).header;
  }
}
