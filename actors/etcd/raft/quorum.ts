/** Majorities (Raft paper, section 5.1): any two of them share a member. */

export function quorumOf(memberCount: number): number {
  return Math.floor(memberCount / 2) + 1;
}

/** The greatest value that a majority has reached, given each voter's. */
export function reachedByQuorum(values: readonly number[]): number {
  const descending = values.slice().sort((a, b) => b - a);
  return descending[quorumOf(values.length) - 1] ?? 0;
}

/** How a vote stands, given each voter's answer so far (undefined: none yet). */
export function countVotes(answers: readonly (boolean | undefined)[]): "won" | "lost" | "pending" {
  const needed = quorumOf(answers.length);
  const granted = answers.filter((answer) => answer === true).length;
  const refused = answers.filter((answer) => answer === false).length;
  if (granted >= needed) return "won";
  return answers.length - refused < needed ? "lost" : "pending";
}
