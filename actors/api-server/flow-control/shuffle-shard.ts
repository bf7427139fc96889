/** Shuffle sharding: each flow is dealt a hand of queues, so that two flows seldom share all of theirs. */

/** How many bits of a hash the dealing may use. Source: the API reference's limit on queues and handSize. */
export const hashBitsMax = 60;

/** How many bits of entropy it takes to deal a hand out of a deck. */
export function requiredEntropyBits(deckSize: number, handSize: number): number {
  return Math.ceil(Math.log2(deckSize) * handSize);
}

/** A hash of 64 bits (FNV-1a with a final mix) of a flow's name. */
export function hashOfFlow(flow: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(flow)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  // Without mixing, names that differ in their last letter only differ in the low bits.
  hash = BigInt.asUintN(64, (hash ^ (hash >> 33n)) * 0xff51afd7ed558ccdn);
  return BigInt.asUintN(64, hash ^ (hash >> 33n));
}

/** `handSize` different cards from 0 to deckSize - 1; all hands are equally likely when hashes are. */
export function deal(hash: bigint, deckSize: number, handSize: number): readonly number[] {
  const taken: number[] = [];
  const hand: number[] = [];
  let rest = hash;
  for (let dealt = 0; dealt < Math.min(handSize, deckSize); dealt++) {
    const left = BigInt(deckSize - dealt);
    let card = Number(rest % left);
    rest /= left;
    // The cards that are gone are stepped over, in ascending order.
    for (const gone of taken) if (card >= gone) card++;
    hand.push(card);
    taken.push(card);
    taken.sort((a, b) => a - b);
  }
  return hand;
}
