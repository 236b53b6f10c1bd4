import type { Clock } from '../../engine/clock.js';
import { GONE_AFTER_MS, REMEMBERED_MS, type FleetMember } from '../../policies/fleet-store.js';
import { isRecord } from '../../options/index.js';
import type { InstanceSummary } from '../controls.js';
import { readIdentity, readJson, type FleetIdentity } from './identity.js';

/** From then on an instance that reports once a second is late. */
const LATE_AFTER_MS = 2000;

/** One instance of the application. */
export interface FleetInstance extends FleetIdentity {
  readonly id: string;
  readonly isSelf: boolean;
  /** Milliseconds since its last heartbeat, 0 for this one. */
  readonly ageMs: number;
  /** `late` after two seconds without a heartbeat, `gone` after three; it is shown for a minute more. */
  readonly status: 'reporting' | 'late' | 'gone';
  /** What its policies share by name; of others while this instance watches, undefined before the first came or where it is too long. */
  readonly snapshot: readonly InstanceSummary[] | undefined;
}

/** How many are heard of. */
export interface FleetReporting {
  readonly reporting: number;
  readonly known: number;
  /** The longest time since the last heartbeat of one that reports, in milliseconds. */
  readonly oldestMs: number;
}

interface Known {
  readonly identity: FleetIdentity;
  readonly snapshot: readonly InstanceSummary[] | undefined;
  /** When its last heartbeat was, by the clock here. */
  readonly beatAt: number;
}

/** All instances that this one has heard of. */
export class Roster {
  private readonly others = new Map<string, Known>();

  constructor(
    private readonly self: string,
    private readonly clock: Clock,
  ) {}

  learn(members: readonly FleetMember[]): void {
    const now = this.clock.now();
    const here = new Set(members.map(({ instance }) => instance));
    // Who is not there any more has left; one that was only silent the store remembers too.
    for (const id of this.others.keys()) if (!here.has(id)) this.others.delete(id);
    for (const { instance, ageMs, about, snapshot } of members) {
      const identity = readIdentity(about);
      if (instance === this.self || identity === undefined) continue;
      const shown = snapshot === undefined ? undefined : readSnapshot(snapshot);
      this.others.set(instance, { identity, snapshot: shown, beatAt: now - ageMs });
    }
  }

  list(): FleetInstance[] {
    const now = this.clock.now();
    const list: FleetInstance[] = [];
    for (const [id, { identity, snapshot, beatAt }] of this.others) {
      const ageMs = now - beatAt;
      const status = ageMs > GONE_AFTER_MS ? 'gone' : ageMs > LATE_AFTER_MS ? 'late' : 'reporting';
      if (ageMs <= REMEMBERED_MS) list.push({ id, ...identity, isSelf: false, ageMs, status, snapshot });
    }
    return list;
  }
}

function readSnapshot(text: string): readonly InstanceSummary[] | undefined {
  const read = readJson(text);
  return areSummaries(read) ? read : undefined;
}

/** The same library wrote them, in another process. */
function areSummaries(value: unknown): value is readonly InstanceSummary[] {
  return Array.isArray(value) && value.every(isRecord);
}
