/**
 * The bodies of lists as they were last told. Many clients ask for the same list at about the same time (informers after a restart), and until
 * something changes the answer is the same bytes: they are put together once.
 */
export class ToldLists {
  private readonly bodies = new Map<string, Uint8Array>();
  private revision = -1;
  private bytes = 0;

  /** The list of that name as of a revision. */
  recall(name: string, revision: number): Uint8Array | undefined {
    return revision === this.revision ? this.bodies.get(name) : undefined;
  }

  /** Keeps a list for those who ask until the next change, as far as there is room: what is larger is put together each time. */
  remember(name: string, revision: number, body: Uint8Array): void {
    if (revision !== this.revision) this.clear();
    this.revision = revision;
    if (body.length < bytesMin || this.bytes + body.length > bytesMax) return;
    this.bodies.set(name, body);
    this.bytes += body.length;
  }

  /** A revision is not what it was: everything was read anew. */
  clear(): void {
    this.bodies.clear();
    this.revision = -1;
    this.bytes = 0;
  }
}

/** Putting a small list together costs no more than looking for it. */
const bytesMin = 4 * 1024;
const bytesMax = 16 * 1024 * 1024;
