import type { Address } from "../protocol/address";
import type { Envelope } from "../protocol/envelope";
import type { Effect } from "./actor";

/**
 * Stands between the actors of one host and the rest of the world, for faults that must know what a message or an effect is about: a wire's rules
 * only see hosts and kinds. Actors cannot tell that it is there. It must not throw, and when it is asked it must neither crash nor start anything.
 */
export interface Interposer {
  /** Of each envelope for an actor of this host, also from this host itself. */
  arriving?(envelope: Envelope): Passage;
  /** Of each envelope that an actor of this host sends, also to this host itself. */
  leaving?(envelope: Envelope): Passage;
  /** Of each effect of an actor of this host, before it is performed, in order. `synced`: it waited for the disk, and what it waited for is there. */
  effect?(actor: Address, effect: Effect, synced: boolean): Fate;
}

/** What goes on in the place of an envelope: itself, or these; nothing where the list is empty. */
export type Passage = "pass" | readonly Envelope[];

/** What becomes of an effect: whether it is performed, and whether its actor or the whole host dies then. Later effects of the same turn die with it. */
export interface Fate {
  readonly performs: boolean;
  readonly dies: "nobody" | "actor" | "host";
}

export const performed: Fate = { performs: true, dies: "nobody" };

/** How an interposer says something itself, past all interposers of its host. Nothing happens while the host is down. */
export interface Gate {
  /** Gives an envelope to an actor of this host. */
  deliver(envelope: Envelope): void;
  /** Keeps an envelope that came; what it answers with delivers it, unless the host has crashed or the connection on which it came has broken since. */
  hold(envelope: Envelope): () => void;
  /** Sends an envelope from this host. */
  send(envelope: Envelope): void;
  /** The streams that others have open to an actor of this host, with what each was opened with and how many items it has been given. */
  streamsTo(actor: Address): readonly { readonly opening: Envelope; readonly incarnation: number; readonly sent: number }[];
}

/** Those of one host, in the order in which they came. */
export class Interposers {
  private readonly standing = new Set<Interposer>();

  get none(): boolean {
    return this.standing.size === 0;
  }

  add(interposer: Interposer): void {
    this.standing.add(interposer);
  }

  remove(interposer: Interposer): void {
    this.standing.delete(interposer);
  }

  arriving(envelope: Envelope): readonly Envelope[] {
    return this.through(envelope, (interposer, one) => interposer.arriving?.(one) ?? "pass");
  }

  leaving(envelope: Envelope): readonly Envelope[] {
    return this.through(envelope, (interposer, one) => interposer.leaving?.(one) ?? "pass");
  }

  /** The first fate that is no ordinary one; every interposer is asked all the same, because they count. */
  effect(actor: Address, effect: Effect, synced: boolean): Fate {
    let fate = performed;
    for (const interposer of this.standing) {
      const said = interposer.effect?.(actor, effect, synced) ?? performed;
      if (fate.performs && fate.dies === "nobody") fate = said;
    }
    return fate;
  }

  private through(envelope: Envelope, ask: (interposer: Interposer, envelope: Envelope) => Passage): readonly Envelope[] {
    let envelopes: readonly Envelope[] = [envelope];
    for (const interposer of this.standing)
      envelopes = envelopes.flatMap((one) => {
        const passage = ask(interposer, one);
        return passage === "pass" ? [one] : passage;
      });
    return envelopes;
  }
}

/** What faults left on a host: it stays through its crashes. */
export interface Meddling {
  readonly interposers: Interposers;
  /** Actors that are kept from starting. */
  readonly kept: Set<Address>;
}

export function noMeddling(): Meddling {
  return { interposers: new Interposers(), kept: new Set() };
}
