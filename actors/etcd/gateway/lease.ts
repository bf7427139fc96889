import { exact, type Int64 } from "./int64";
import type { MemberLink } from "./member-link";
import { invalid, leaseIdOf } from "./requests";
import { type Duplex, failStream, type Handlers, unary } from "./serve";

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

/** etcd's Lease service. */
export function leaseService(link: MemberLink): Handlers {
  return {
    LeaseGrant: unary<GrantFields>(link, async ({ message }) => {
      const id = exact(message.ID);
      if (id === undefined) throw invalid("etcdserver: lease ids here are whole numbers up to 2^53");
      const ttlSeconds = exact(message.TTL) ?? Number.MAX_SAFE_INTEGER;
      const { header, ...lease } = await link.ask("etcd.lease.response", { kind: "etcd.lease.grant", id, ttlSeconds });
      return { header: link.header(header), ID: lease.id, TTL: lease.ttlSeconds };
    }),
    LeaseRevoke: unary<IdFields>(link, async ({ message }) => {
      const { header } = await link.ask("etcd.lease.response", { kind: "etcd.lease.revoke", id: leaseIdOf(message.ID) });
      return { header: link.header(header) };
    }),
    LeaseTimeToLive: unary<TimeToLiveFields>(link, async ({ message }) => {
      const { header, ...lease } = await link.ask("etcd.lease.response", {
        kind: "etcd.lease.timeToLive",
        id: leaseIdOf(message.ID),
        keys: message.keys,
      });
      return { header: link.header(header), ID: lease.id, TTL: lease.ttlSeconds, grantedTTL: lease.grantedTtlSeconds, keys: lease.keys };
    }),
    LeaseLeases: unary<object>(link, async () => {
      const { header, leases } = await link.ask("etcd.lease.response", { kind: "etcd.lease.list" });
      return { header: link.header(header), leases: leases.map((ID) => ({ ID })) };
    }),
    LeaseKeepAlive: (call: Duplex<IdFields>) => void keepAlive(link, call),
  };
}

/** One answer for each request, in their order; TTL 0 says that the lease is gone. */
async function keepAlive(link: MemberLink, call: Duplex<IdFields>): Promise<void> {
  try {
    for await (const { message } of call) {
      const { header, ...lease } = await link.ask("etcd.lease.response", { kind: "etcd.lease.keepAlive", id: leaseIdOf(message.ID) });
      call.write({ header: link.header(header), ID: lease.id, TTL: Math.max(0, lease.ttlSeconds) });
    }
    call.end();
  } catch (error) {
    failStream(link, call, error);
  }
}
