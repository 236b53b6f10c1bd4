import type { Duration, EventPattern, Resilience } from '../../core.js';
import type { AlertSeverity } from './alert.js';

/** What every rule has. */
export interface RuleOptions {
  /** What the alerts are called; each rule its own. */
  readonly name: string;
  /** @default 'warning' */
  readonly severity?: AlertSeverity;
  /**
   * No second beginning of the same subject is told so soon after the last one.
   * @default '5m'
   */
  readonly repeatInterval?: Duration;
  /**
   * Of subjects with a key (a client, a tenant), whom whoever calls can make up, so many alerts are told in a minute; the others
   * follow in the minutes after, if they still hold. Subjects without a key are always told at once.
   * @default 20
   */
  readonly maxPerMinute?: number;
}

/** A circuit that lets no call pass. */
export interface OpenCircuitRuleOptions extends RuleOptions {
  /** Only of the circuit breaker of that name. */
  readonly policy?: string;
}

/** Something happened, once or several times in a while. */
export interface EventRuleOptions extends RuleOptions {
  readonly event: EventPattern;
  /** Only of the policy of that name. */
  readonly policy?: string;
  /** @default 1 */
  readonly times?: number;
  /**
   * The time that `times` is counted in; it ends now, whenever that is.
   * @default '1m'
   */
  readonly within?: Duration;
  /** The event of the same policy and key that ends it. */
  readonly recoversOn?: EventPattern;
  /**
   * Without `recoversOn`: it is over when nothing of the kind has happened for so long.
   * @default '1m'
   */
  readonly recoversAfter?: Duration;
}

/** A share of the calls of an operation. */
export interface RateRuleOptions extends RuleOptions {
  /** Only of that operation (`PaymentsClient.charge`); each of them without it. */
  readonly operation?: string;
  /** Alerts above this share, of (0, 1). */
  readonly above: number;
  /**
   * The time that the share is taken over.
   * @default '1m'
   */
  readonly over?: Duration;
  /**
   * Says nothing of fewer calls.
   * @default 20
   */
  readonly minimumCalls?: number;
}

/** A client (a key of a rate limit) that is turned away again and again. */
export interface ClientRuleOptions extends RuleOptions {
  /** Only of the limiter of that name. */
  readonly limiter?: string;
  readonly rejections: number;
  /** @default '1m' */
  readonly within?: Duration;
}

/** The places of a bulkhead. */
export interface UseRuleOptions extends RuleOptions {
  /** Only of the bulkhead of that name. */
  readonly bulkhead?: string;
  /** Alerts when more than this share of its places is in use ... */
  readonly above: number;
  /**
   * ... for so long.
   * @default '30s'
   */
  readonly for?: Duration;
}

/** Whatever somebody wants to look at. */
export interface ConditionRuleOptions extends RuleOptions {
  /**
   * True while it should alert; asked at every look, unless it still thinks about the last one. The signal aborts when `timeout`
   * is over, and when the application shuts down.
   */
  readonly condition: (resilience: Resilience, signal: AbortSignal) => boolean | Promise<boolean>;
  /**
   * An answer that takes longer is not waited for: that is reported, and the next look asks anew.
   * @default '30s'
   */
  readonly timeout?: Duration;
  /** @default the name of the rule */
  readonly summary?: string;
  /**
   * How long it must hold.
   * @default 0
   */
  readonly for?: Duration;
}

/** What is to be alerted on; made by the functions of this module. */
export type AlertRule =
  | ({ readonly on: 'open-circuit' } & OpenCircuitRuleOptions)
  | ({ readonly on: 'event' } & EventRuleOptions)
  | ({ readonly on: 'error-rate' } & RateRuleOptions)
  | ({ readonly on: 'rejection-rate' } & RateRuleOptions)
  | ({ readonly on: 'client' } & ClientRuleOptions)
  | ({ readonly on: 'use' } & UseRuleOptions)
  | ({ readonly on: 'condition' } & ConditionRuleOptions);

/** Alerts when a circuit opens or is forced open, and again when it lets calls pass, by itself or by hand, or is forgotten. */
export function onOpenCircuit(options: OpenCircuitRuleOptions): AlertRule {
  return { ...options, on: 'open-circuit' };
}

/** Alerts on an event of any kind, or on several of it in a while. */
export function onEvent(options: EventRuleOptions): AlertRule {
  return { ...options, on: 'event' };
}

/** Alerts when too large a share of an operation's calls fails, after all that its policies did. */
export function onErrorRate(options: RateRuleOptions): AlertRule {
  return { ...options, on: 'error-rate' };
}

/** Alerts when policies turn away too large a share of an operation's attempts. */
export function onRejectionRate(options: RateRuleOptions): AlertRule {
  return { ...options, on: 'rejection-rate' };
}

/** Alerts on a client that keeps hitting its limit. */
export function onFrequentClient(options: ClientRuleOptions): AlertRule {
  return { ...options, on: 'client' };
}

/** Alerts when a bulkhead is nearly full for a while. */
export function onBulkheadUse(options: UseRuleOptions): AlertRule {
  return { ...options, on: 'use' };
}

/** Alerts on a condition of your own. */
export function onCondition(options: ConditionRuleOptions): AlertRule {
  return { ...options, on: 'condition' };
}
