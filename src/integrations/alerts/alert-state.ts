import { randomUUID } from 'node:crypto';
import { isoTime, wallTimeOf, type Clock } from '../../engine/clock.js';
import type { About, Alert, AlertSeverity, AlertCondition } from './alert.js';

/** Subjects with a key that one rule follows at most; while all of them are firing, another one is not followed. */
const MAX_KEYED_SUBJECTS = 1000;

const MINUTE_MS = 60_000;

/** What is known of one subject of a rule. */
interface Entry {
  finding: AlertCondition;
  readonly about: About;
  firing: boolean;
  /** The last that was told of it is that it fires. */
  announced: boolean;
  since: number;
  /** When its beginning was told last, by the monotonic clock. */
  toldAt: number;
  suppressed: number;
}

/** What of a rule the book needs to know. */
export interface AlertStateSettings {
  readonly name: string;
  readonly severity: AlertSeverity;
  readonly repeatInterval: number;
  readonly maxPerMinute: number;
}

/** Who is told. */
export interface AlertStateReader {
  tell(alert: Alert): void;
  /** Alerts are held back by the bound, or subjects are not followed: once a minute at most. */
  heldBack(rule: string): void;
}

/**
 * Turns findings into alerts: one when something begins, one when it is over, and no second beginning within the quiet period;
 * what is still there when the quiet period ends is told then.
 *
 * Who calls chooses keys, so of subjects with a key only so many alerts are told in a minute; the rest follows minute by minute.
 * Subjects without one are as many as the code has policies, and are never held back.
 */
export class AlertState {
  private readonly entries = new Map<string, Entry>();
  private keyed = 0;
  private full = false;
  /** When alerts with a key were told in the last minute. */
  private readonly tellings: number[] = [];
  private complainedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly settings: AlertStateSettings,
    private readonly clock: Clock,
    private readonly reader: AlertStateReader,
  ) {}

  /** The condition holds for a subject. */
  raise(finding: AlertCondition, about: About = {}): void {
    const entry = this.entries.get(finding.subject) ?? this.newEntry(finding, about);
    if (entry === undefined) return;
    entry.finding = finding;
    if (entry.firing) return;
    entry.firing = true;
    entry.since = wallTimeOf(this.clock);
    if (!entry.announced && this.isQuiet(entry)) entry.suppressed++;
    this.settle(entry);
  }

  /** It holds no longer. */
  clear(subject: string, finding?: AlertCondition): void {
    const entry = this.entries.get(subject);
    if (entry?.firing !== true) return;
    entry.firing = false;
    this.full = false;
    if (finding !== undefined) entry.finding = finding;
    this.settle(entry);
  }

  /** Whether it holds for a subject, as far as is known. */
  isFiring(subject: string): boolean {
    return this.entries.get(subject)?.firing === true;
  }

  /** Subjects for which it holds now. */
  firing(): readonly { readonly subject: string; readonly about: About }[] {
    return [...this.entries].filter(([, { firing }]) => firing).map(([subject, { about }]) => ({ subject, about }));
  }

  /** Tells what was held back and may be told now, and forgets what is long past. */
  review(): void {
    for (const [subject, entry] of this.entries) {
      this.settle(entry);
      if (isIdle(entry) && !this.isQuiet(entry)) this.forget(subject);
    }
  }

  private newEntry(finding: AlertCondition, { policyName, key }: About): Entry | undefined {
    if (key !== undefined && this.keyed >= MAX_KEYED_SUBJECTS && !this.forgetOne()) {
      this.complain();
      return undefined;
    }
    const toldAt = Number.NEGATIVE_INFINITY;
    const about = { policyName, key };
    const entry: Entry = { finding, about, firing: false, announced: false, since: 0, toldAt, suppressed: 0 };
    this.entries.set(finding.subject, entry);
    if (key !== undefined) this.keyed++;
    return entry;
  }

  private isQuiet({ toldAt }: Entry): boolean {
    return this.clock.now() - toldAt < this.settings.repeatInterval;
  }

  /** Tells what is so where the last that was told is otherwise, as soon as that may be. */
  private settle(entry: Entry): void {
    if (entry.firing === entry.announced || (entry.firing && this.isQuiet(entry))) return;
    if (entry.about.key !== undefined && !this.mayTell()) return this.complain();
    entry.announced = entry.firing;
    const alert = this.alert(entry);
    if (entry.firing) {
      entry.toldAt = this.clock.now();
      entry.suppressed = 0;
    }
    this.reader.tell(alert);
  }

  private mayTell(): boolean {
    const now = this.clock.now();
    while (this.tellings.length > 0 && now - this.tellings[0]! >= MINUTE_MS) this.tellings.shift();
    if (this.tellings.length >= this.settings.maxPerMinute) return false;
    this.tellings.push(now);
    return true;
  }

  private complain(): void {
    const now = this.clock.now();
    if (now - this.complainedAt < MINUTE_MS) return;
    this.complainedAt = now;
    this.reader.heldBack(this.settings.name);
  }

  private alert({ finding, since, suppressed, firing }: Entry): Alert {
    const { name: rule, severity } = this.settings;
    const times = { since: isoTime(since), at: isoTime(wallTimeOf(this.clock)) };
    return { id: randomUUID(), rule, severity, status: firing ? 'firing' : 'resolved', ...finding, ...times, suppressed };
  }

  /** Makes room; looked for once, until something changes. */
  private forgetOne(): boolean {
    if (this.full) return false;
    for (const [subject, entry] of this.entries) {
      if (entry.about.key === undefined || !isIdle(entry)) continue;
      this.forget(subject);
      return true;
    }
    this.full = true;
    return false;
  }

  private forget(subject: string): void {
    if (this.entries.get(subject)?.about.key !== undefined) this.keyed--;
    this.entries.delete(subject);
    this.full = false;
  }
}

/** Nothing is to be told of it. */
function isIdle({ firing, announced }: Entry): boolean {
  return !firing && !announced;
}
