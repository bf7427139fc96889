/** Wrong input: said to the user as it is, with exit status 2. */
export class InputError extends Error {}

/** The user gave up. */
export class Interrupted extends Error {}

/** Exit statuses: 0 held, 1 violated, 2 wrong usage or input, 130 interrupted, 70 a fault of Wavetank itself. */
export type ExitStatus = 0 | 1 | 2 | 70 | 130;

/** Says how the process will end once its output is written. */
export function exit(status: ExitStatus | number): void {
  process.exitCode = status;
}

/** Runs a command's main part; what goes wrong is said in one message, with the exit status that belongs to it. */
export async function guarded(main: () => Promise<unknown>): Promise<void> {
  try {
    await main();
  } catch (error) {
    if (error instanceof InputError) {
      process.stderr.write(`${error.message}\n`);
      exit(2);
    } else if (error instanceof Interrupted) {
      process.stderr.write("interrupted\n");
      exit(130);
    } else {
      process.stderr.write(`wavetank: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      exit(70);
    }
  }
}

/** Runs long work that can be interrupted: the first SIGINT or SIGTERM asks it to stop, a second one ends the process. */
export async function interruptible<T>(work: (interrupted: () => boolean) => Promise<T>): Promise<T> {
  let asked = false;
  const ask = () => {
    if (asked) process.exit(130);
    asked = true;
  };
  process.on("SIGINT", ask);
  process.on("SIGTERM", ask);
  try {
    return await work(() => asked);
  } finally {
    process.off("SIGINT", ask);
    process.off("SIGTERM", ask);
  }
}
