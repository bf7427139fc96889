/**
 * While a handler runs in a simulation, the real clock and real randomness throw: a scan of sources misses what libraries do, this does not.
 * Installed for the length of a run and only active inside turns, so that the driver of the simulation may look at its watch.
 */
let inTurn = false;

type Restore = () => void;

function guard<T extends object, K extends keyof T>(owner: T, name: K, what: string): Restore {
  const original = owner[name] as unknown as (...args: unknown[]) => unknown;
  const replacement = function (this: unknown, ...args: unknown[]): unknown {
    if (inTurn) throw new Error(`${what} was used inside an actor's turn: nondeterminism comes through the context only`);
    return original.apply(this, args);
  };
  owner[name] = replacement as unknown as T[K];
  return () => {
    owner[name] = original as unknown as T[K];
  };
}

/** Installs the guards; the function that comes back takes them away again. */
export function installPoison(): Restore {
  const RealDate = globalThis.Date;
  const PoisonedDate = new Proxy(RealDate, {
    construct(target, args, newTarget) {
      if (inTurn && args.length === 0)
        throw new Error("new Date() was used inside an actor's turn: nondeterminism comes through the context only");
      return Reflect.construct(target, args, newTarget);
    },
  });
  globalThis.Date = PoisonedDate;
  const restores = [
    guard(RealDate, "now", "Date.now"),
    guard(Math, "random", "Math.random"),
    guard(globalThis.performance, "now", "performance.now"),
    guard(globalThis, "setTimeout", "setTimeout"),
    guard(globalThis, "setInterval", "setInterval"),
    guard(globalThis, "setImmediate", "setImmediate"),
    guard(globalThis.crypto, "getRandomValues", "crypto.getRandomValues"),
    guard(globalThis.crypto, "randomUUID", "crypto.randomUUID"),
  ];
  return () => {
    for (const restore of restores) restore();
    globalThis.Date = RealDate;
    inTurn = false;
  };
}

/** Runs one turn with the guards active. */
export function poisoned(turn: () => void): void {
  const outer = inTurn;
  inTurn = true;
  try {
    turn();
  } finally {
    inTurn = outer;
  }
}
