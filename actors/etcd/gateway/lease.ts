import { exact, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import { invalid, leaseIdOf } from "./requests";
import { Asker, type Duplex, failStream, type Handlers, unary } from "./serve";

interface GrantFields {
  readonly ID: Int64;
  readonly TTL: Int64;
}
interface IdFields {
  readonly ID: Int64;
}
interface TimeToLiveFields extends IdFields {
  readonly keys: boolean;
}

/** No lease has this id: what stands for ids beyond those that JavaScript counts exactly, which are never granted. */
const unknownLease = -1;

/** etcd's Lease service. */
export function leaseService(link: MemberLink): Handlers {
  return {
    LeaseGrant: unary<GrantFields>(link, async ({ message }, asker) => {
      const id = exact(message.ID);
      if (id === undefined) throw invalid("etcdserver: lease ids here are whole numbers up to 2^53");
      const ttlSeconds = exact(message.TTL) ?? Number.MAX_SAFE_INTEGER;
      const { header, ...lease } = await asker.ask("etcd.lease.response", { kind: "etcd.lease.grant", id, ttlSeconds });
      return { header: link.header(header), ID: lease.id, TTL: lease.ttlSeconds };
    }),
    LeaseRevoke: unary<IdFields>(link, async ({ message }, asker) => {
      const { header } = await asker.ask("etcd.lease.response", { kind: "etcd.lease.revoke", id: leaseIdOf(message.ID) });
      return { header: link.header(header) };
    }),
    LeaseTimeToLive: unary<TimeToLiveFields>(link, async ({ message }, asker) => {
      const { header, ...lease } = await asker.ask("etcd.lease.response", {
        kind: "etcd.lease.timeToLive",
        id: exact(message.ID) ?? unknownLease,
        keys: message.keys,
      });
      return { header: link.header(header), ID: message.ID, TTL: lease.ttlSeconds, grantedTTL: lease.grantedTtlSeconds, keys: lease.keys };
    }),
    LeaseLeases: unary<object>(link, async (_incoming, asker) => {
      const { header, leases } = await asker.ask("etcd.lease.response", { kind: "etcd.lease.list" });
      return { header: link.header(header), leases: leases.map((ID) => ({ ID })) };
    }),
    LeaseKeepAlive: (call: Duplex<IdFields>) => keepAlive(link, call),
  };
}

/** One answer for each request, in their order; TTL 0 says that the lease is gone. */
function keepAlive(link: MemberLink, call: Duplex<IdFields>): void {
  const asking = Asker.of(link, call);
  const answer = async (id: Int64): Promise<void> => {
    const asker = await asking;
    const { header, ...lease } = await asker.ask("etcd.lease.response", { kind: "etcd.lease.keepAlive", id: exact(id) ?? unknownLease });
    call.write({ header: link.header(header), ID: id, TTL: Math.max(0, lease.ttlSeconds) });
  };
  asking.catch((error: unknown) => failStream(link, call, error));
  call.on("data", ({ message }) => {
    call.pause();
    answer(message.ID).then(
      () => call.resume(),
      (error: unknown) => failStream(link, call, error),
    );
  });
  call.on("end", () => call.end());
}
