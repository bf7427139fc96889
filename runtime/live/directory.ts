import type { Address, HostName } from "../../protocol/address";
import type { Directory } from "../world";

export type DirectoryChange = { readonly actor: Address; readonly host: HostName | undefined };

/** Where actors live, as one process knows it; the hub's is the truth, the others follow it. */
export class LiveDirectory implements Directory {
  private readonly hosts = new Map<Address, HostName>();
  private readonly listeners = new Set<(change: DirectoryChange) => void>();

  hostOf(actor: Address): HostName | undefined {
    return this.hosts.get(actor);
  }

  register(actor: Address, host: HostName): void {
    if (this.hosts.get(actor) === host) return;
    this.hosts.set(actor, host);
    this.tell({ actor, host });
  }

  unregister(actor: Address, host: HostName): void {
    // An actor that has moved is not taken away by the host that it left.
    if (this.hosts.get(actor) !== host) return;
    this.hosts.delete(actor);
    this.tell({ actor, host: undefined });
  }

  entries(): readonly DirectoryChange[] {
    return [...this.hosts].map(([actor, host]) => ({ actor, host }));
  }

  onChange(listener: (change: DirectoryChange) => void): void {
    this.listeners.add(listener);
  }

  private tell(change: DirectoryChange): void {
    for (const listener of this.listeners) listener(change);
  }
}
