import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import { WebSocketServer } from "ws";
import { type Address, type HostName, parseAddress } from "../../../protocol/address";
import { decodeEnvelope } from "../../../protocol/codec";
import { isDatagram, protocolVersion } from "../../../protocol/envelope";
import type { RuntimeEvent } from "../../world";
import { type Authority, daySeconds, type Issued, readRequest, readSubject } from "../certificates";
import { type HostCondition, healthyHost } from "../condition";
import type { Packet } from "../wire/batch";
import { frameMaxBytes, Link, type LinkOptions, linkDefaults } from "../wire/link";
import type { HostPlan, LiveWorld } from "../world";
import { type Control, decodeControlMessage, encodeControlMessage, versionHeader } from "./control";
import { Elsewhere } from "./elsewhere";
import type { Roster } from "./roster";
import { isSameToken, type JoinToken } from "./token";
import { Unheard } from "./unheard";

export interface HubOptions {
  readonly world: LiveWorld;
  readonly authority: Authority;
  /** The hub's own certificate, for the names under which it is reached. */
  readonly serving: Issued;
  readonly token: JoinToken;
  readonly roster: Roster;
  /** What lives on a joined host. */
  readonly plan: (host: HostName) => HostPlan;
  /** Whether an actor of a joined host may say something to that actor. */
  readonly mayReach: (from: Address, to: Address) => boolean;
  readonly hostsMax: number;
  readonly log: (level: "info" | "warn", message: string, fields: Readonly<Record<string, unknown>>) => void;
  readonly link?: Partial<LinkOptions>;
  /** Hears of what happens on hosts of joined processes, which tell only where somebody does. */
  readonly hears?: (host: HostName, event: RuntimeEvent) => void;
  /** Takes requests that have nothing to do with joining, with the client's certificate where it is one of the authority's; false where it does not. */
  readonly visit?: (request: IncomingMessage, response: ServerResponse, certificate: Buffer | undefined) => boolean;
}

interface Peer {
  readonly owner: string;
  readonly hosts: readonly HostName[];
  readonly link: Link;
  readonly unheard: Unheard;
}

/**
 * Where other processes join, and the middle of the star: packets between joined processes pass here, forwarded by their headers. A joined
 * process is known by its certificate and may speak only for the actors that live on its hosts.
 */
export class Hub {
  private readonly server: Server;
  private readonly sockets = new WebSocketServer({ noServer: true, maxPayload: frameMaxBytes, perMessageDeflate: false });
  private readonly peers = new Map<HostName, Peer>();
  /** What faults have made of hosts of other processes, as far as they are not healthy. */
  private readonly conditions = new Map<HostName, HostCondition>();

  /** What goes on in joined processes, and what they have counted. */
  readonly elsewhere = new Elsewhere((host, message) => this.peers.get(host)?.link.control(encodeControlMessage(message)));

  constructor(private readonly options: HubOptions) {
    const { serving, authority, world } = options;
    this.server = createServer({
      cert: `${serving.certificate}${authority.certificate}`,
      key: serving.key,
      ca: authority.certificate,
      requestCert: true,
      // Whoever joins for the first time has no certificate yet; links are refused below without one.
      rejectUnauthorized: false,
      minVersion: "TLSv1.2",
    });
    this.server.on("request", (request, response) => this.answer(request, response));
    this.server.on("upgrade", (request, socket, head) => this.upgrade(request, socket, head));
    this.server.on("tlsClientError", () => undefined);
    world.wire.routes = {
      linkTo: (host) => this.peers.get(host)?.link,
      hostsGone: (hosts) => this.tellGone(hosts),
      brokenAt: (at, gone) => this.tellBroken(at, gone),
    };
    world.onRules((rules) => this.tellAll({ type: "rules", rules }));
    world.directory.onChange(({ actor, host }) => this.tellAll({ type: "places", places: [[actor, host ?? ""]] }));
    // Nodes that joined an earlier life of this hub are still part of the cluster, only not here yet.
    for (const host of options.roster.known()) this.place(host);
  }

  /** Resolves with the port; rejects with an error that names address and cause. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject);
      this.server.listen(port, host, () => {
        this.server.off("error", reject);
        resolve((this.server.address() as AddressInfo).port);
      });
    });
  }

  /** Hosts of joined processes that are connected now. */
  connectedHosts(): readonly HostName[] {
    return [...this.peers.keys()];
  }

  conditionOf(host: HostName): HostCondition {
    return this.conditions.get(host) ?? healthyHost;
  }

  /** Brings a host of a joined process into a condition; one that is not connected comes into it when it is. */
  setCondition(host: HostName, condition: HostCondition): void {
    if (isDeepStrictEqual(condition, healthyHost)) this.conditions.delete(host);
    else this.conditions.set(host, condition);
    this.peers.get(host)?.link.control(encodeControlMessage({ type: "condition", host, condition }));
  }

  /** Lets an actor of a joined process lose its memory. */
  crashActor(host: HostName, actor: Address): void {
    this.peers.get(host)?.link.control(encodeControlMessage({ type: "crash", actor }));
  }

  /** Breaks the link that leads to a host; its process will come back. */
  breakLink(host: HostName, why: string): void {
    this.peers.get(host)?.link.close(why);
  }

  async close(): Promise<void> {
    for (const peer of new Set(this.peers.values())) peer.link.close("the hub stops");
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    this.server.closeAllConnections();
    await closed;
  }

  // ——— letting in ———

  private answer(request: IncomingMessage, response: ServerResponse): void {
    const reply = (code: number, body: object) => {
      response.writeHead(code, { "content-type": "application/json", connection: "close" });
      response.end(JSON.stringify(body));
    };
    const tls = request.socket as TLSSocket;
    if (this.options.visit?.(request, response, tls.authorized ? tls.getPeerCertificate().raw : undefined)) return;
    if (request.method !== "POST" || request.url !== "/join") return reply(404, { error: "hosts join with POST /join" });
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
      if (body.length > 65_536) request.destroy();
    });
    request.on("end", () => {
      try {
        reply(200, this.admit(JSON.parse(body), request.socket.remoteAddress ?? ""));
      } catch (error) {
        reply(error instanceof Refused ? error.code : 400, { error: (error as Error).message });
      }
    });
  }

  private admit(
    wish: { readonly id?: unknown; readonly secret?: unknown; readonly nodes?: unknown; readonly request?: unknown },
    remote: string,
  ): object {
    const { token, roster, authority, hostsMax, log } = this.options;
    const { id, secret, nodes, request } = wish;
    if (typeof id !== "string" || typeof secret !== "string" || !isSameToken(token, { id, secret })) {
      log("warn", "a host with a wrong token was turned away", { remote });
      throw new Refused(401, "the cluster does not know this token");
    }
    if (!Number.isInteger(nodes) || (nodes as number) < 1 || (nodes as number) > hostsMax)
      throw new Refused(400, `${String(nodes)} nodes: one process may join with 1 to ${hostsMax}`);
    const { publicKey } = readRequest(String(request));
    const { owner, hosts } = roster.grant(nodes as number);
    const certificate = authority.certify(publicKey, {
      subject: { commonName: owner, organizations: ["wavetank:joined"] },
      usages: ["client"],
      names: [],
      ttlSeconds: 365 * daySeconds,
    });
    log("info", "a process was let in", { remote, owner, hosts });
    return { certificate, hosts };
  }

  private upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From here on the socket is nobody's but ours, and a stranger may break it off at any time.
    socket.on("error", () => socket.destroy());
    const refuse = (code: number, why: string) => {
      const body = JSON.stringify({ error: why });
      socket.end(
        `HTTP/1.1 ${code} Refused\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
    };
    const tls = request.socket as TLSSocket;
    if (request.url !== "/link") return refuse(404, "links are at /link");
    const version = Number(request.headers[versionHeader]);
    // What differs by more than one version does not understand what the other says.
    if (!(Math.abs(version - protocolVersion) <= 1))
      return refuse(
        426,
        `it speaks version ${protocolVersion} of the protocol, this process ${request.headers[versionHeader] ?? "none"}: use the same release`,
      );
    const certificate = tls.authorized ? tls.getPeerCertificate().raw : undefined;
    if (certificate === undefined) return refuse(401, "a link needs a certificate of this cluster");
    const { commonName, organizations } = readSubject(certificate);
    if (!organizations.includes("wavetank:joined")) return refuse(403, "this certificate is not that of a joined process");
    const accepted = this.options.roster.connect(commonName);
    if (!accepted.ok) return refuse(accepted.code, accepted.why);
    let taken = false;
    socket.once("close", () => {
      if (!taken) this.options.roster.disconnect(accepted.hosts);
    });
    this.sockets.handleUpgrade(request, socket, head, (webSocket) => {
      taken = true;
      const link = new Link(
        webSocket,
        {
          packets: (packets) => this.receive(peer, packets),
          control: (value) => this.hear(peer, decodeControlMessage(value)),
          closed: (why) => this.part(peer, why),
        },
        { ...linkDefaults, ...this.options.link },
      );
      const peer: Peer = { owner: commonName, hosts: accepted.hosts, link, unheard: new Unheard() };
      this.welcome(peer);
    });
  }

  private welcome(peer: Peer): void {
    const { world, plan, log, hears } = this.options;
    for (const host of peer.hosts) {
      this.place(host);
      this.peers.set(host, peer);
    }
    const places = world.directory.entries().flatMap(({ actor, host }) => (host === undefined ? [] : [[actor, host] as const]));
    peer.link.control(
      encodeControlMessage({
        type: "welcome",
        hosts: peer.hosts.map(plan),
        places,
        rules: world.installedRules(),
        tells: hears !== undefined,
      }),
    );
    for (const host of peer.hosts) hears?.(host, { type: "hostUp", detail: "joined" });
    for (const host of peer.hosts) {
      const condition = this.conditions.get(host);
      if (condition !== undefined) peer.link.control(encodeControlMessage({ type: "condition", host, condition }));
    }
    this.elsewhere.welcome(peer.hosts);
    log("info", "hosts are connected", { hosts: peer.hosts });
  }

  private part(peer: Peer, why: string): void {
    for (const host of peer.hosts)
      if (this.peers.get(host) === peer) {
        this.peers.delete(host);
        this.options.hears?.(host, { type: "hostDown", detail: why });
      }
    this.options.roster.disconnect(peer.hosts);
    this.options.log("warn", "hosts are disconnected", { hosts: peer.hosts, why });
    this.options.world.wire.lost(peer.hosts);
    this.tellGone(peer.hosts);
  }

  private place(host: HostName): void {
    for (const { address } of this.options.plan(host).actors) this.options.world.directory.register(address, host);
  }

  // ——— carrying ———

  private receive(peer: Peer, packets: readonly Packet[]): void {
    const { world, mayReach } = this.options;
    for (const packet of packets) {
      const envelope = decodeEnvelope(packet.envelope);
      // The one check that everything rests on: who speaks lives on a host of this very connection.
      if (!peer.hosts.includes(packet.from) || world.directory.hostOf(envelope.from) !== packet.from)
        return this.expel(peer, `it spoke for ${envelope.from}, which does not live on ${packet.from} there`);
      if (!mayReach(envelope.from, envelope.to)) return this.expel(peer, `${envelope.from} may not speak to ${envelope.to}`);
      if (!isDatagram(envelope) && peer.unheard.isOld(packet.from, packet.to)) continue;
      if (world.wire.arrive(packet.to, envelope)) continue;
      const next = this.peers.get(packet.to);
      if (next !== undefined) next.link.send(packet, isDatagram(envelope));
      else if (!isDatagram(envelope)) this.tellBroken(packet.from, packet.to);
    }
  }

  private hear(peer: Peer, message: Control): void {
    const { world } = this.options;
    switch (message.type) {
      case "places":
        for (const [actor, host] of message.places) {
          if (!this.maySpawn(peer, actor, host)) return this.expel(peer, `it placed ${actor}`);
          if (host === "") world.directory.unregister(actor, world.directory.hostOf(actor) ?? "");
          else world.directory.register(parseAddress(actor), host);
        }
        return;
      case "gone":
        if (!message.hosts.every((host) => peer.hosts.includes(host))) return this.expel(peer, "it spoke for hosts of others");
        world.wire.lost(message.hosts);
        this.tellGone(message.hosts, peer);
        return peer.link.control(encodeControlMessage({ type: "heard", at: ["*"], gone: message.hosts }));
      case "broken":
        if (!peer.hosts.includes(message.gone)) return this.expel(peer, "it spoke for hosts of others");
        world.wire.breakAt(message.at, message.gone);
        return peer.link.control(encodeControlMessage({ type: "heard", at: [message.at], gone: [message.gone] }));
      case "event":
        if (!peer.hosts.includes(message.host)) return this.expel(peer, "it spoke for hosts of others");
        return this.options.hears?.(message.host, message.event);
      case "did":
        return this.elsewhere.hearDid(peer.owner, message.id, message.text);
      case "counted":
        if (!message.disks.every(([host]) => peer.hosts.includes(host))) return this.expel(peer, "it spoke for hosts of others");
        return this.elsewhere.hearCounts(peer.owner, message.rules, message.disks);
      case "heard":
        return peer.unheard.hear(message.at, message.gone);
      default:
        return this.expel(peer, `only the hub says ${message.type}`);
    }
  }

  /** Children live below an actor that was placed on the same host: kubelet/node-7/pod-1 below kubelet/node-7. */
  private maySpawn(peer: Peer, actor: Address, host: HostName): boolean {
    const at = host === "" ? this.options.world.directory.hostOf(actor) : host;
    if (at === undefined) return true;
    return peer.hosts.includes(at) && this.options.plan(at).actors.some(({ address }) => actor.startsWith(`${address}/`));
  }

  private expel(peer: Peer, why: string): void {
    this.options.log("warn", "a joined process broke the rules and was cut off", { hosts: peer.hosts, why });
    peer.link.close(`cut off: ${why}`);
  }

  private tellBroken(at: HostName, gone: HostName): void {
    const peer = this.peers.get(at);
    peer?.unheard.tell([at], [gone]);
    peer?.link.control(encodeControlMessage({ type: "broken", at, gone }));
  }

  private tellGone(hosts: readonly HostName[], except?: Peer): void {
    for (const peer of new Set(this.peers.values())) if (peer !== except) peer.unheard.tell(peer.hosts, hosts);
    this.tellAll({ type: "gone", hosts }, except);
  }

  private tellAll(message: Control, except?: Peer): void {
    const bytes = encodeControlMessage(message);
    for (const peer of new Set(this.peers.values())) if (peer !== except) peer.link.control(bytes);
  }
}

class Refused extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}
