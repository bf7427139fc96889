import { randomInt } from "node:crypto";
import type { Address } from "../../../protocol/address";
import type {
  BackupRequest,
  EtcdRequest,
  EtcdResponse,
  LeaseResponse,
  ResponseHeader,
  StatusResponse,
  WatchProgressRequest,
  WatchRequest,
} from "../../../protocol/etcd";
import type { ServedRequest, ServedStream, Service, StreamListener } from "../../../runtime/serving";
import { clamped, type Int64 } from "../../etcd/gateway/int64";
import type { EtcdConnection, HeaderFields } from "./connection";
import { etcdErrorOf, serviceErrorOf } from "./errors";
import {
  type DeleteFields,
  type PutFields,
  type RangeFields,
  readDeleteResponse,
  readHeader,
  readPutResponse,
  readRangeResponse,
  readTxnResponse,
  type TxnFields,
} from "./read-responses";
import { RealWatch } from "./watch";
import { writeDeleteRequest, writePutRequest, writeRangeRequest, writeTxnRequest } from "./write-requests";

/** What may be asked: what an API server needs of its storage. */
export type BridgedRequest = EtcdRequest | WatchRequest | WatchProgressRequest | BackupRequest;

interface LeaseFields {
  readonly header: HeaderFields | null;
  readonly ID: Int64;
  readonly TTL: Int64;
  readonly grantedTTL?: Int64;
  readonly keys?: readonly Uint8Array[];
}
interface StatusFields {
  readonly header: HeaderFields | null;
  readonly leader: Int64;
  readonly raftIndex: Int64;
  readonly raftAppliedIndex: Int64;
  readonly dbSize: Int64;
  readonly dbSizeInUse: Int64;
  readonly isLearner: boolean;
}

/** etcd itself grants ids of 63 bits, which messages cannot say; those that are chosen here they can. */
const leaseIdMax = 2 ** 48 - 1;

/** A member of a real etcd behind an address "etcd/N": what actors ask of etcd becomes calls of its v3 API, and its answers messages. */
export class RealEtcd implements Service<BridgedRequest> {
  constructor(
    private readonly address: Address,
    private readonly connection: EtcdConnection,
  ) {}

  asked({ body, deadlineMs, reply, refuse }: ServedRequest<BridgedRequest>): void {
    const asked = this.ask(body, deadlineMs);
    if (asked === undefined) return refuse(`${body.kind} cannot be asked of an etcd outside; ask it with etcdctl`);
    asked.then(reply, (error: unknown) => reply(etcdErrorOf(serviceErrorOf(error))));
  }

  opened(body: BridgedRequest, stream: ServedStream): StreamListener<BridgedRequest> {
    if (body.kind === "etcd.watch") return new RealWatch(this.address, this.connection, body, stream);
    stream.close("refused", `${body.kind} is no stream of an etcd outside`);
    return { closed: () => {} };
  }

  /** undefined for what is not bridged. */
  private ask(body: BridgedRequest, deadlineMs: number): Promise<EtcdResponse> | undefined {
    const call = async <R extends { readonly header: HeaderFields | null }>(
      service: string,
      method: string,
      request: object,
      read: (fields: R, header: ResponseHeader) => EtcdResponse,
    ): Promise<EtcdResponse> => {
      const isLinearizable = service === "KV" && !(body.kind === "etcd.range" && body.serializable);
      const fields = await this.connection.ask<R>(service, method, request, deadlineMs, isLinearizable);
      return read(fields, readHeader(this.address, fields.header));
    };
    switch (body.kind) {
      case "etcd.range":
        return call<RangeFields>("KV", "Range", writeRangeRequest(body), readRangeResponse);
      case "etcd.put":
        return call<PutFields>("KV", "Put", writePutRequest(body), readPutResponse);
      case "etcd.delete":
        return call<DeleteFields>("KV", "DeleteRange", writeDeleteRequest(body), readDeleteResponse);
      case "etcd.txn":
        return call<TxnFields>("KV", "Txn", writeTxnRequest(body), readTxnResponse);
      case "etcd.compact":
        return call("KV", "Compact", { revision: body.revision }, (_fields, header) => ({ kind: "etcd.compact.response", header }));
      case "etcd.lease.grant": {
        const grant = { ID: body.id === 0 ? 1 + randomInt(leaseIdMax) : body.id, TTL: body.ttlSeconds };
        return call<LeaseFields>("Lease", "LeaseGrant", grant, (fields, header) => leaseResponse(header, fields, fields.TTL));
      }
      case "etcd.lease.revoke":
        return call<LeaseFields>("Lease", "LeaseRevoke", { ID: body.id }, (_fields, header) =>
          leaseResponse(header, { ID: body.id, TTL: -1 }, 0),
        );
      case "etcd.lease.keepAlive":
        return this.keepAlive(body.id, deadlineMs);
      case "etcd.lease.timeToLive":
        return call<LeaseFields>("Lease", "LeaseTimeToLive", { ID: body.id, keys: body.keys }, (fields, header) =>
          leaseResponse(header, fields, fields.grantedTTL ?? 0),
        );
      case "etcd.lease.list":
        return call<{ readonly header: HeaderFields | null; readonly leases: readonly { readonly ID: Int64 }[] }>(
          "Lease",
          "LeaseLeases",
          {},
          ({ leases }, header) => ({ ...leaseResponse(header, { ID: 0, TTL: 0 }, 0), leases: leases.map(({ ID }) => clamped(ID)) }),
        );
      case "etcd.status":
        return call<StatusFields>("Maintenance", "Status", {}, (fields, header) => this.status(fields, header));
      default:
        return undefined;
    }
  }

  private status(fields: StatusFields, header: ResponseHeader): StatusResponse {
    return {
      kind: "etcd.status.response",
      header,
      // Its id: which address that member has here nobody says.
      leader: String(fields.leader) === "0" ? "" : String(fields.leader),
      committedIndex: clamped(fields.raftIndex),
      appliedIndex: clamped(fields.raftAppliedIndex),
      sizeBytes: clamped(fields.dbSizeInUse),
      diskBytes: clamped(fields.dbSize),
      compactedRevision: 0,
      isLearner: fields.isLearner,
      alarms: [],
    };
  }

  /** etcd's keep-alive is a stream; one request and its answer of it. */
  private keepAlive(id: number, deadlineMs: number): Promise<EtcdResponse> {
    const call = this.connection.stream<LeaseFields>("Lease", "LeaseKeepAlive", deadlineMs);
    return new Promise<EtcdResponse>((resolve, reject) => {
      call.once("data", (fields: LeaseFields) => {
        const foreign = this.connection.foreign(fields.header);
        if (foreign) return reject(foreign);
        const ttl = clamped(fields.TTL);
        resolve(leaseResponse(readHeader(this.address, fields.header), { ID: id, TTL: ttl === 0 ? -1 : ttl }, 0));
      });
      call.once("error", reject);
      call.write({ ID: id });
    }).finally(() => {
      call.on("error", () => {});
      call.cancel();
    });
  }
}

function leaseResponse(
  header: ResponseHeader,
  { ID, TTL, keys = [] }: Pick<LeaseFields, "ID" | "TTL" | "keys">,
  granted: Int64,
): LeaseResponse {
  return {
    kind: "etcd.lease.response",
    header,
    id: clamped(ID),
    ttlSeconds: clamped(TTL),
    grantedTtlSeconds: clamped(granted),
    keys,
    leases: [],
  };
}
