/** How bad it is. */
export type AlertSeverity = 'info' | 'warning' | 'critical';

/** From harmless to bad. */
export const SEVERITIES: readonly AlertSeverity[] = ['info', 'warning', 'critical'];

/** What a channel is told. */
export interface Alert {
  /** Of this alert alone, in all processes; the same for every attempt to deliver it. */
  readonly id: string;
  /** The name of the rule. */
  readonly rule: string;
  readonly severity: AlertSeverity;
  /** `firing` when it begins, `resolved` when it is over. */
  readonly status: 'firing' | 'resolved';
  /** What it is about: a policy (with its key, quoted and cut at 200 characters), an operation, a client. */
  readonly subject: string;
  /** In a sentence. */
  readonly summary: string;
  /** The figure that the rule looks at, where it looks at one, and the one that it must not pass. */
  readonly value?: number;
  readonly threshold?: number;
  /** When it began, as an ISO date. */
  readonly since: string;
  /** When this was said. */
  readonly at: string;
  /** How often it began anew within the quiet period, without a word. */
  readonly suppressed: number;
}

/** Where alerts go. `send` and `close` may throw or reject: that is logged, and harms no other channel. */
export interface AlertChannel {
  readonly name: string;
  send(alert: Alert): void | Promise<void>;
  /** The application shuts down: resolves when what is on its way has been delivered, or given up. Waited for up to 30 s. */
  close?(): void | Promise<void>;
  /** Mistakes in the channel's own options, in sentences: told at startup, with all others. */
  problems?(): readonly string[];
}

/** What a detector finds. */
export interface AlertCondition {
  readonly subject: string;
  readonly summary: string;
  readonly value?: number;
  readonly threshold?: number;
}

/** Which policy a finding is about. Where it has a key, the subject was chosen by whoever calls. */
export interface About {
  readonly policyName?: string | undefined;
  readonly key?: string | undefined;
}
