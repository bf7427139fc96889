import { address, type HostName } from "../../protocol/address";
import type { AnyActor } from "../../runtime/actor";
import { Authority, daySeconds } from "../../runtime/live/certificates";
import { join } from "../../runtime/live/join/admission";
import { Hub, type HubOptions } from "../../runtime/live/join/hub";
import { Joined } from "../../runtime/live/join/joined";
import { Roster } from "../../runtime/live/join/roster";
import { newToken } from "../../runtime/live/join/token";
import { NoSecrets } from "../../runtime/live/secrets";
import { LiveWorld } from "../../runtime/live/world";

/** A hub for that world, listening on a port of 127.0.0.1; hosts that join are named in order and hold one "puppet" each. */
export async function hubFor(world: LiveWorld, names: readonly HostName[], options: Partial<HubOptions> = {}) {
  const authority = Authority.create("wavetank-test");
  const token = newToken(authority.publicKeyHash);
  const roster = new Roster(
    (index) => names[index] ?? `extra-${index}`,
    { load: () => [], save: () => {} },
    () => performance.now(),
  );
  const serving = authority.issue({
    subject: { commonName: "hub", organizations: [] },
    usages: ["server"],
    names: ["127.0.0.1", "localhost"],
    ttlSeconds: daySeconds,
  });
  const hub = new Hub({
    world,
    authority,
    serving,
    token,
    roster,
    plan: (host) => ({ name: host, zone: "joined", actors: [{ address: address("puppet", host), config: null }] }),
    mayReach: () => true,
    hostsMax: 10,
    log: () => {},
    ...options,
  });
  const port = await hub.listen(0, "127.0.0.1");
  return { hub, authority, token, roster, url: new URL(`wss://127.0.0.1:${port}`) };
}

/** A hub with a process (of its own world, in this process) for each name, all connected. */
export async function joinedWorlds(world: LiveWorld, names: readonly HostName[], actors: readonly AnyActor[] = [puppetThatIsNotThere]) {
  const { hub, token, url } = await hubFor(world, names);
  const joined: LiveWorld[] = [];
  const links: Joined[] = [];
  for (const _name of names) {
    const own = new LiveWorld({ actors, secrets: new NoSecrets(), connectionTimeoutUs: 400_000 });
    const membership = await join(url, token, 1);
    await new Promise<void>((connected, refused) => {
      links.push(
        new Joined({
          world: own,
          url,
          membership,
          connected: () => connected(),
          disconnected: () => {},
          refused: (why) => refused(new Error(why)),
        }),
      );
    });
    joined.push(own);
  }
  const close = async () => {
    for (const link of links) link.close();
    await hub.close();
    for (const own of [world, ...joined]) await own.close();
  };
  return { hub, joined, links, close };
}

/** Stands where only the wire matters. */
const puppetThatIsNotThere: AnyActor = { role: "puppet", start: () => null, receive: () => undefined };
