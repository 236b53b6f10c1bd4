/** How bad it is. */
export type AlertSeverity = 'info' | 'warning' | 'critical';

/** What a channel is told. */
export interface Alert {
  /** The same for every attempt to deliver it. */
  readonly id: string;
  /** The name of the rule. */
  readonly rule: string;
  readonly severity: AlertSeverity;
  /** `firing` when it begins, `resolved` when it is over. */
  readonly status: 'firing' | 'resolved';
  /** What it is about: a policy (with its key), an operation, a client. */
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

/** Where alerts go. `send` may reject: that is logged, and harms no other channel. */
export interface AlertChannel {
  readonly name: string;
  send(alert: Alert): void | Promise<void>;
  /** The application shuts down: resolves when what is on its way has been delivered, or given up. */
  close?(): void | Promise<void>;
}

/** What a detector finds. */
export interface Finding {
  readonly subject: string;
  readonly summary: string;
  readonly value?: number;
  readonly threshold?: number;
}
