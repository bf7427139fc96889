/** One of those that are compared: a replica set of three members on this machine, each with its files and fsync. */
export interface Side {
  readonly name: string;
  /** Notes who leads now; what says "leader" below goes to that member. */
  findLeader(): Promise<void>;
  /** Writes through the leader; rejects where it was refused. */
  put(key: string, value: Uint8Array, client: number): Promise<void>;
  /** Reads one key; serializable reads are spread over the members, linearizable ones go to the leader. */
  get(key: string, serializable: boolean, client: number): Promise<void>;
  /** `count` watchers of one key, spread over the members; resolves when all are watching. */
  watch(key: string, count: number, onEvent: () => void): Promise<() => void>;
  /** Kills the leader and answers with the milliseconds until another member has written something. The side is of no use afterwards. */
  failover(): Promise<number>;
  close(): Promise<void>;
}

export interface Measured {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** So many clients, each with one request under way, for a while after a warm-up. */
export async function measure(clients: number, seconds: number, request: (client: number, n: number) => Promise<void>): Promise<Measured> {
  const latencies: number[] = [];
  const warmMs = performance.now() + 700;
  const endMs = warmMs + seconds * 1000;
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      for (let n = 0; ; n++) {
        const startedMs = performance.now();
        if (startedMs > endMs) return;
        await request(client, n);
        const now = performance.now();
        if (now > warmMs && now <= endMs) latencies.push(now - startedMs);
      }
    }),
  );
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? Number.NaN;
  return { perSecond: latencies.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99) };
}

/** Puts one after the other to a key with `watchers` watchers: events that arrive per second, and how long the last of them takes. */
export async function fanOut(
  side: Side,
  watchers: number,
  puts: number,
): Promise<{ readonly eventsPerSecond: number; readonly lastMs: number }> {
  let left = 0;
  let all: () => void = () => {};
  const stop = await side.watch("fan-out", watchers, () => {
    if (--left === 0) all();
  });
  const value = Buffer.alloc(256, 1);
  const lasts: number[] = [];
  for (let n = 0; n < puts; n++) {
    left = watchers;
    const arrived = new Promise<void>((resolve) => {
      all = resolve;
    });
    const startedMs = performance.now();
    await Promise.all([side.put("fan-out", value, 0), arrived]);
    lasts.push(performance.now() - startedMs);
  }
  stop();
  lasts.sort((a, b) => a - b);
  return { eventsPerSecond: (watchers * puts * 1000) / lasts.reduce((sum, ms) => sum + ms, 0), lastMs: lasts[Math.floor(puts / 2)]! };
}

/** Milliseconds until one of the writes that begin every few milliseconds is done: one that waits for a dead leader holds up no other. */
export async function untilWritten(write: () => Promise<boolean>, withinMs = 30_000): Promise<number> {
  const startedMs = performance.now();
  let writtenMs = Number.NaN;
  while (Number.isNaN(writtenMs) && performance.now() - startedMs < withinMs) {
    void write().then((written) => {
      if (written && Number.isNaN(writtenMs)) writtenMs = performance.now() - startedMs;
    });
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return writtenMs;
}
