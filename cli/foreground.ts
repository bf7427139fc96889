/**
 * Runs something that goes on until SIGINT or SIGTERM, and stops it cleanly then; a second signal ends the process at once. `start` resolves to
 * what stops it; a failure that it reports later is said in one message, and ends the process with status 2.
 */
export async function runInForeground(start: (fail: (why: string) => void) => Promise<() => Promise<void>>): Promise<void> {
  let stop: (() => Promise<void>) | undefined;
  let ending = false;
  const end = async (status: number) => {
    if (ending) return process.exit(status || 130);
    ending = true;
    // What cannot be stopped in time is left to itself; data directories are made for that.
    setTimeout(() => process.exit(status), 5_000).unref();
    await stop?.();
    process.exit(status);
  };
  const fail = (why: string) => {
    if (ending) return;
    process.stderr.write(`${why}\n`);
    void end(2);
  };
  process.on("SIGINT", () => void end(0));
  process.on("SIGTERM", () => void end(0));
  stop = await start(fail);
  // A signal that came before there was anything to stop.
  if (ending) await stop();
}
