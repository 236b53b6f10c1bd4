import { isoTime, wallTimeOf, type Clock } from '../engine/clock.js';
import type { Alert, AlertSeverity, Finding } from './alert.js';

/** Subjects that one rule remembers at most; beyond it the one that changed longest ago is forgotten. */
const MOST_SUBJECTS = 1000;

/** What is known of one subject of a rule. */
interface Entry {
  finding: Finding;
  firing: boolean;
  since: number;
  /** When its beginning was told last, by the monotonic clock. */
  toldAt: number;
  /** The present stretch was told, so its end will be. */
  told: boolean;
  suppressed: number;
}

/** What of a rule the book needs to know. */
export interface BookSettings {
  readonly rule: string;
  readonly severity: AlertSeverity;
  readonly quietMs: number;
}

/**
 * Turns findings into alerts: one when something begins, one when it is over, and no second beginning within the quiet period;
 * what is still there when the quiet period ends is told then.
 */
export class AlertBook {
  private readonly entries = new Map<string, Entry>();
  private told = 0;

  constructor(
    private readonly settings: BookSettings,
    private readonly clock: Clock,
    private readonly tell: (alert: Alert) => void,
  ) {}

  /** The condition holds for a subject. */
  raise(finding: Finding): void {
    const known = this.entries.get(finding.subject);
    if (known?.firing === true) {
      known.finding = finding;
      return;
    }
    const entry = known ?? { finding, firing: false, since: 0, toldAt: Number.NEGATIVE_INFINITY, told: false, suppressed: 0 };
    this.entries.delete(finding.subject);
    this.entries.set(finding.subject, Object.assign(entry, { finding, firing: true, told: false, since: wallTimeOf(this.clock) }));
    if (this.isQuiet(entry)) entry.suppressed++;
    else this.announce(entry);
    if (this.entries.size > MOST_SUBJECTS) this.forgetOne();
  }

  /** It holds no longer. */
  clear(subject: string, finding?: Finding): void {
    const entry = this.entries.get(subject);
    if (entry?.firing !== true) return;
    entry.firing = false;
    if (finding !== undefined) entry.finding = finding;
    if (entry.told) this.tell(this.alert(entry, 'resolved'));
  }

  /** Subjects for which it holds now. */
  firing(): readonly string[] {
    return [...this.entries].filter(([, { firing }]) => firing).map(([subject]) => subject);
  }

  /** Tells what began within a quiet period that is over now, and forgets what is long past. */
  review(): void {
    for (const [subject, entry] of this.entries) {
      if (this.isQuiet(entry)) continue;
      if (!entry.firing) this.entries.delete(subject);
      else if (!entry.told) this.announce(entry);
    }
  }

  private isQuiet({ toldAt }: Entry): boolean {
    return this.clock.now() - toldAt < this.settings.quietMs;
  }

  private announce(entry: Entry): void {
    entry.told = true;
    entry.toldAt = this.clock.now();
    this.tell(this.alert(entry, 'firing'));
    entry.suppressed = 0;
  }

  private alert({ finding, since, suppressed }: Entry, status: Alert['status']): Alert {
    const { rule, severity } = this.settings;
    const at = wallTimeOf(this.clock);
    this.told++;
    return { id: `${rule}:${at}:${this.told}`, rule, severity, status, ...finding, since: isoTime(since), at: isoTime(at), suppressed };
  }

  private forgetOne(): void {
    const [idle = this.entries.keys().next().value] = [...this.entries].filter(([, { firing }]) => !firing).map(([subject]) => subject);
    if (idle !== undefined) this.entries.delete(idle);
  }
}
