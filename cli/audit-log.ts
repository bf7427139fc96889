import { appendFileSync, closeSync, existsSync, fstatSync, openSync, readdirSync, renameSync, rmSync, statSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { InputError } from "./exit";

export interface AuditLogOptions {
  /** "-" is standard output. */
  readonly path: string;
  readonly maxBytes: number;
  /** Files of before that are kept; 0 keeps all. */
  readonly maxBackups: number;
  /** Older ones are removed; 0 keeps them. */
  readonly maxAgeMs: number;
}

/** Writes events, one JSON line each; a file that has grown to its size is put aside under the time, as NAME-TIME.EXT. */
export class AuditLog {
  private descriptor: number | undefined;
  private bytes = 0;

  constructor(
    private readonly options: AuditLogOptions,
    private readonly now: () => number,
  ) {
    if (options.path === "-") return;
    try {
      this.open();
    } catch (error) {
      throw new InputError(`--audit-log-path ${options.path}: ${(error as Error).message}`);
    }
  }

  write(event: object): void {
    const line = `${JSON.stringify(event)}\n`;
    if (this.descriptor === undefined) {
      process.stdout.write(line);
      return;
    }
    const length = Buffer.byteLength(line);
    if (this.bytes > 0 && this.bytes + length > this.options.maxBytes) this.rotate();
    appendFileSync(this.descriptor, line);
    this.bytes += length;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  private open(): void {
    this.descriptor = openSync(this.options.path, "a", 0o600);
    this.bytes = fstatSync(this.descriptor).size;
  }

  private rotate(): void {
    const { path, maxBackups, maxAgeMs } = this.options;
    closeSync(this.descriptor!);
    const extension = extname(path);
    const stem = join(dirname(path), basename(path, extension));
    let aside = `${stem}-${stamp(this.now())}${extension}`;
    for (let tried = 1; existsSync(aside); tried++) aside = `${stem}-${stamp(this.now() + tried)}${extension}`;
    renameSync(path, aside);
    const mine = new RegExp(`^${escaped(basename(stem))}-\\d{4}-\\d\\d-\\d\\dT[\\d-]+\\.\\d{3}${escaped(extension)}$`);
    const backups = readdirSync(dirname(path))
      .filter((name) => mine.test(name))
      .sort()
      .reverse()
      .map((name) => join(dirname(path), name));
    for (const [index, backup] of backups.entries())
      if ((maxBackups > 0 && index >= maxBackups) || (maxAgeMs > 0 && this.now() - statSync(backup).mtimeMs > maxAgeMs)) rmSync(backup);
    this.open();
  }
}

/** "2026-11-25T21-50-33.000" */
function stamp(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1).replaceAll(":", "-");
}

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
