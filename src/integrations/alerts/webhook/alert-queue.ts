import { SEVERITIES, type Alert } from '../alert.js';

/** An alert on its way. */
export interface Delivery {
  readonly alert: Alert;
  readonly settle: (error?: unknown) => void;
}

const rankOf = ({ alert }: Delivery): number => Math.max(0, SEVERITIES.indexOf(alert.severity));

/**
 * Alerts that wait to be delivered: the most severe ones first, and of equal severity in order. Where there are too many, the oldest
 * of the least severe ones makes room, so that nothing can push out what is worse than itself.
 */
export class AlertQueue {
  private readonly lanes: readonly Delivery[][] = SEVERITIES.map(() => []);

  constructor(private readonly maxSize: number) {}

  /** Gives the one that lost its turn, which may be the newcomer. */
  push(delivery: Delivery): Delivery | undefined {
    const rank = rankOf(delivery);
    this.lanes[rank]!.push(delivery);
    const size = this.lanes.reduce((sum, { length }) => sum + length, 0);
    return size > this.maxSize ? this.lanes.find(({ length }) => length > 0)!.shift() : undefined;
  }

  shift(): Delivery | undefined {
    return this.lanes.findLast(({ length }) => length > 0)?.shift();
  }

  /** Takes all of them out. */
  clear(): readonly Delivery[] {
    return this.lanes.flatMap((lane) => lane.splice(0));
  }
}
