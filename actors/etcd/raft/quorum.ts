/** Majorities (Raft paper, section 5.1): any two of them share a member. */

export function quorumOf(memberCount: number): number {
  return Math.floor(memberCount / 2) + 1;
}

/** The greatest value that a majority has reached, given each voter's. */
export function reachedByQuorum(values: readonly number[]): number {
  const descending = values.length === 3 ? threeDescending(values) : values.slice().sort((a, b) => b - a);
  return descending[quorumOf(values.length) - 1] ?? 0;
}

/** Most clusters have three voters, and their leader asks at each answer. */
function threeDescending([a = 0, b = 0, c = 0]: readonly number[]): readonly number[] {
  const high = Math.max(a, b, c);
  const low = Math.min(a, b, c);
  return [high, a + b + c - high - low, low];
}

/** How a vote stands, given each voter's answer so far (undefined: none yet). */
export function countVotes(answers: readonly (boolean | undefined)[]): "won" | "lost" | "pending" {
  const needed = quorumOf(answers.length);
  const granted = answers.filter((answer) => answer === true).length;
  const refused = answers.filter((answer) => answer === false).length;
  if (granted >= needed) return "won";
  return answers.length - refused < needed ? "lost" : "pending";
}
