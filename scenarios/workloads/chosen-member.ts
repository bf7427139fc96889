import type { Address } from "../../protocol/address";

/** Which member of etcd a client asks: whichever chance names, or, for a client that has to get on, the one that answered last, as etcd's own client leaves out whom it cannot reach. */
export class ChosenMember {
  private answering: Address | undefined;

  constructor(private readonly members: readonly Address[]) {}

  /** `draw` names one of so many; `surely` asks for the one that answered last, if there is any. */
  choose(surely: boolean, draw: (count: number) => number): Address {
    const drawn = this.members[draw(this.members.length)]!;
    return surely ? (this.answering ?? drawn) : drawn;
  }

  /** A member did what it was asked for, or did not. */
  learn(member: Address, answered: boolean): void {
    if (answered) this.answering = member;
    else if (this.answering === member) this.answering = undefined;
  }
}
