import type { Address } from "../../../protocol/address";
import type { DiskOperation, Recovered } from "../../actor";
import type { Disk } from "../../world";

interface Log {
  firstIndex: number;
  records: Uint8Array[];
}

interface Kept {
  readonly logs: Map<string, Log>;
  readonly blobs: Map<string, Uint8Array>;
  readonly parts: Map<string, Uint8Array[]>;
}

/** A disk for clusters that need not outlive their process: an actor that crashes finds its data again, a process that ends loses it. */
export class MemoryDisk implements Disk {
  private readonly actors = new Map<Address, Kept>();

  recover(actor: Address, done: (recovered: Recovered) => void): void {
    setImmediate(() => {
      const kept = this.keptOf(actor);
      kept.parts.clear();
      const logs = new Map([...kept.logs].map(([name, log]) => [name, { firstIndex: log.firstIndex, records: [...log.records] }]));
      done({ logs, blobs: new Map(kept.blobs) });
    });
  }

  write(actor: Address, operations: readonly DiskOperation[], done: () => void): void {
    // Not at once: a completion inside the turn that asked for it would be a thing that no real disk does.
    setImmediate(() => {
      const kept = this.keptOf(actor);
      for (const operation of operations) perform(kept, operation);
      done();
    });
  }

  private keptOf(actor: Address): Kept {
    let kept = this.actors.get(actor);
    if (kept === undefined) {
      kept = { logs: new Map(), blobs: new Map(), parts: new Map() };
      this.actors.set(actor, kept);
    }
    return kept;
  }
}

function perform(kept: Kept, operation: DiskOperation): void {
  switch (operation.type) {
    case "append": {
      const log = kept.logs.get(operation.log) ?? { firstIndex: 1, records: [] };
      kept.logs.set(operation.log, log);
      for (const record of operation.records) log.records.push(record);
      return;
    }
    case "dropPrefix": {
      const log = kept.logs.get(operation.log);
      if (log === undefined) return;
      const dropped = Math.min(Math.max(0, operation.beforeIndex - log.firstIndex), log.records.length);
      log.records = log.records.slice(dropped);
      log.firstIndex += dropped;
      return;
    }
    case "writeBlob": {
      const parts = kept.parts.get(operation.blob) ?? [];
      parts.push(operation.chunk);
      if (!operation.last) {
        kept.parts.set(operation.blob, parts);
        return;
      }
      kept.parts.delete(operation.blob);
      kept.blobs.set(operation.blob, new Uint8Array(Buffer.concat(parts)));
      return;
    }
    case "deleteBlob":
      kept.blobs.delete(operation.blob);
      return;
    default:
      operation satisfies never;
  }
}
