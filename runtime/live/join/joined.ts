import type { IncomingMessage } from "node:http";
import type { Subscription } from "rxjs";
import { WebSocket } from "ws";
import type { Address, HostName } from "../../../protocol/address";
import { decodeEnvelope } from "../../../protocol/codec";
import { isDatagram, protocolVersion } from "../../../protocol/envelope";
import { healthyHost } from "../condition";
import type { Packet } from "../wire/batch";
import { frameMaxBytes, Link, type LinkOptions, linkDefaults } from "../wire/link";
import type { LiveWorld } from "../world";
import { type Membership, portOf } from "./admission";
import { type Control, decodeControlMessage, encodeControlMessage, isTold, type Place, versionHeader } from "./control";
import { Doings, type Meddler } from "./doings";
import { Unheard } from "./unheard";

export interface JoinedOptions {
  readonly world: LiveWorld;
  readonly url: URL;
  readonly membership: Membership;
  /** The process is connected, again or for the first time, as these hosts. */
  readonly connected: (hosts: readonly HostName[]) => void;
  /** The link broke; it is being made again. */
  readonly disconnected: (why: string) => void;
  /** The hub will not have this process any more. */
  readonly refused: (why: string) => void;
  readonly link?: Partial<LinkOptions>;
  /** Makes what the hub wants to stand in the middle of this process' hosts; such a wish is passed over where it is not given. */
  readonly meddler?: (what: unknown) => Meddler;
}

const retryMinMs = 500;
const retryMaxMs = 10_000;
const dialTimeoutMs = 10_000;
/** What TLS says of a certificate that another authority has signed. */
const foreign = new Set([
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "CERT_SIGNATURE_FAILURE",
]);

/** The joined side of a link: runs the hosts that the hub gives, follows its directory and rules, and comes back whenever the link breaks. */
export class Joined {
  private telling: Subscription | undefined;
  private link: Link | undefined;
  private hosts: readonly HostName[] = [];
  private unheard = new Unheard();
  private attempts = 0;
  private retry: NodeJS.Timeout | undefined;
  private dialing: WebSocket | undefined;
  private closed = false;
  /** True while what the hub said is written into the directory, which is no news to the hub. */
  private following = false;
  private readonly doings: Doings;

  constructor(private readonly options: JoinedOptions) {
    const { world, meddler } = options;
    this.doings = new Doings(
      world,
      () => this.hosts,
      meddler,
      (message) => this.say(message),
    );
    world.wire.routes = {
      linkTo: (host) => (this.hosts.includes(host) ? undefined : this.link),
      hostsGone: (hosts) => {
        this.unheard.tell(["*"], hosts);
        this.say({ type: "gone", hosts });
      },
      brokenAt: (at, gone) => this.sayBroken(at, gone),
    };
    world.directory.onChange(({ actor, host }) => {
      if (!this.following) this.say({ type: "places", places: [[actor, host ?? ""]] });
    });
    this.dial();
  }

  get isConnected(): boolean {
    return this.link?.isOpen ?? false;
  }

  close(): void {
    this.closed = true;
    this.telling?.unsubscribe();
    this.doings.endAll();
    clearTimeout(this.retry);
    this.dialing?.terminate();
    this.link?.close("the process ends");
  }

  private dial(): void {
    const { url, membership } = this.options;
    const { authority, certificate, key } = membership;
    const socket = new WebSocket(`wss://${url.hostname}:${portOf(url)}/link`, {
      ca: authority,
      cert: certificate,
      key,
      headers: { [versionHeader]: String(protocolVersion) },
      perMessageDeflate: false,
      maxPayload: frameMaxBytes,
      handshakeTimeout: dialTimeoutMs,
    });
    this.dialing = socket;
    let refusal: Promise<string> | undefined;
    socket.on("unexpected-response", (_request, response) => {
      refusal = bodyOf(response);
      void refusal.then((why) => this.turnedAway(response.statusCode ?? 0, why));
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (refusal !== undefined || this.dialing !== socket) return;
      if (foreign.has(error.code ?? ""))
        this.turnedAway(403, "the cluster that is there now has another authority: join it with its own token");
      else this.again(error.message);
    });
    socket.on("open", () => {
      if (this.closed) return socket.terminate();
      this.dialing = undefined;
      this.unheard = new Unheard();
      this.link = new Link(
        socket,
        {
          packets: (packets) => this.receive(packets),
          control: (value) => this.hear(decodeControlMessage(value)),
          closed: (why) => this.lost(why),
        },
        { ...linkDefaults, ...this.options.link },
      );
    });
  }

  private turnedAway(code: number, why: string): void {
    // 409: the hub has not noticed yet that the former connection is gone.
    if (code === 409 || code >= 500) return this.again(why);
    this.close();
    this.options.refused(why);
  }

  private again(why: string): void {
    this.dialing = undefined;
    if (this.closed) return;
    const mostMs = Math.min(retryMaxMs, retryMinMs * 2 ** this.attempts++);
    this.options.disconnected(why);
    this.retry = setTimeout(() => this.dial(), mostMs / 2 + (Math.random() * mostMs) / 2);
  }

  private lost(why: string): void {
    this.link = undefined;
    const { world } = this.options;
    const elsewhere = new Set(world.directory.entries().map(({ host }) => host));
    for (const host of world.wire.localHosts()) elsewhere.delete(host);
    world.wire.lost([...elsewhere].filter((host) => host !== undefined));
    // Whoever controls the faults may be gone for good: nobody else would heal them.
    world.wire.setRules([]);
    for (const host of this.hosts) world.setCondition(host, healthyHost);
    this.doings.endAll();
    this.again(why);
  }

  private receive(packets: readonly Packet[]): void {
    for (const { from, to, envelope: bytes } of packets) {
      const envelope = decodeEnvelope(bytes);
      if (!isDatagram(envelope) && this.unheard.isOld(from, to)) continue;
      if (!this.options.world.wire.arrive(to, envelope) && !isDatagram(envelope)) this.sayBroken(from, to);
    }
  }

  private hear(message: Control): void {
    const { world } = this.options;
    switch (message.type) {
      case "welcome":
        this.attempts = 0;
        this.hosts = message.hosts.map(({ name }) => name);
        this.forget(message.places);
        this.follow(message.places);
        world.wire.setRules(message.rules);
        this.doings.look();
        if (message.tells === true) this.tellEvents();
        this.following = true;
        for (const plan of message.hosts) {
          if (!world.hosts.has(plan.name)) world.addHost(plan);
          // Faults that go on are told next.
          world.setCondition(plan.name, healthyHost);
          world.startHost(plan.name);
        }
        this.following = false;
        return this.options.connected(this.hosts);
      case "places":
        return this.follow(message.places);
      case "rules":
        // What the rules that go now have done is told first.
        this.doings.look();
        world.wire.setRules(message.rules);
        return this.doings.look();
      case "condition":
        if (!this.hosts.includes(message.host)) return;
        this.doings.look();
        world.setCondition(message.host, message.condition);
        return this.doings.look();
      case "work":
        return this.doings.begin(message.id, message.what);
      case "workOver":
        return this.doings.end(message.id);
      case "did":
      case "counted":
        // Only joined processes tell.
        return;
      case "crash":
        return world.crashActor(message.actor);
      case "gone":
        world.wire.lost(message.hosts);
        return this.say({ type: "heard", at: this.hosts, gone: message.hosts });
      case "broken":
        world.wire.breakAt(message.at, message.gone);
        return this.say({ type: "heard", at: [message.at], gone: [message.gone] });
      case "event":
        // Only joined processes tell.
        return;
      case "heard":
        return this.unheard.hear(message.at, message.gone);
      default:
        message satisfies never;
    }
  }

  /** Tells the hub of what happens on this process' hosts, from now on; what happens while the link is broken is not told. */
  private tellEvents(): void {
    this.telling ??= this.options.world.notable.subscribe(({ host, event }) => {
      if (!isTold(event) || !this.hosts.includes(host)) return;
      const { error } = event as { readonly error?: unknown };
      const plain = event.type === "crashed" ? { ...event, error: error instanceof Error ? error.message : String(error) } : event;
      this.say({ type: "event", host, event: plain });
    });
  }

  /** What has gone while the link was broken goes here too. */
  private forget(places: readonly Place[]): void {
    const { directory } = this.options.world;
    const known = new Set(places.map(([actor]) => actor));
    const gone = directory.entries().filter(({ actor, host }) => !known.has(actor) && host !== undefined && !this.hosts.includes(host));
    this.follow(gone.map(({ actor }) => [actor, ""] as const));
  }

  private follow(places: readonly Place[]): void {
    const { directory } = this.options.world;
    this.following = true;
    for (const [actor, host] of places) {
      if (host === "") directory.unregister(actor as Address, directory.hostOf(actor) ?? "");
      else directory.register(actor, host);
    }
    this.following = false;
  }

  private sayBroken(at: HostName, gone: HostName): void {
    this.unheard.tell([at], [gone]);
    this.say({ type: "broken", at, gone });
  }

  private say(message: Control): void {
    this.link?.control(encodeControlMessage(message));
  }
}

function bodyOf(response: IncomingMessage): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    const end = () => {
      try {
        resolve((JSON.parse(text) as { error?: string }).error ?? text);
      } catch {
        resolve(text || `status ${response.statusCode}`);
      }
    };
    response.on("end", end);
    response.on("error", end);
  });
}
