import type { Alarm, AlarmType } from "../../../protocol/etcd-auth";

/** The alarms that are raised, by the log: the same on every member. Each is one member's; a single one of its type binds all. */
export class Alarms {
  private raised: readonly Alarm[] = [];

  /** In the order of members, then of types. */
  list(): readonly Alarm[] {
    return this.raised;
  }

  isRaised(alarm: AlarmType): boolean {
    return this.raised.some((one) => one.alarm === alarm);
  }

  has({ member, alarm }: Alarm): boolean {
    return this.raised.some((one) => one.member === member && one.alarm === alarm);
  }

  raise({ member, alarm }: Alarm): void {
    if (!this.has({ member, alarm })) this.raised = [...this.raised, { member, alarm }].sort(byMember);
  }

  /** False where it was not raised. */
  disarm({ member, alarm }: Alarm): boolean {
    if (!this.has({ member, alarm })) return false;
    this.raised = this.raised.filter((one) => one.member !== member || one.alarm !== alarm);
    return true;
  }
}

function byMember(a: Alarm, b: Alarm): number {
  if (a.member !== b.member) return a.member < b.member ? -1 : 1;
  return a.alarm < b.alarm ? -1 : a.alarm > b.alarm ? 1 : 0;
}
