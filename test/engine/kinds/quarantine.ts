import type { Call } from '../../../src/engine/call/call.js';
import type { PolicyDeclaration, PolicyKind } from '../../../src/engine/contract/kind.js';
import { Outcome } from '../../../src/engine/contract/outcome.js';
import type { Strategy } from '../../../src/engine/contract/strategy.js';
import type { Environment } from '../../../src/engine/environment.js';
import { defineErrorTraits, ResilienceError } from '../../../src/engine/error.js';
import type { EventBase } from '../../../src/engine/telemetry/events.js';
import { keyText } from '../../../src/engine/state/key-text.js';
import { callback, duration, text, type Duration, type Key, type OptionsOf, type Rule } from '../../../src/options/index.js';

/** Keeps away from what has just failed. */
export interface QuarantineOptions {
  /** What a call is about; equal keys fail together. */
  key: (...args: never[]) => Key;
  /** How long calls of a key are rejected after one of them has failed. @default '1s' */
  duration?: Duration;
  /** Equal names share what they know. Default: the operation id. */
  name?: string;
}

/** Declares one: plain data beside the functions of the user. */
export function quarantine(options: QuarantineOptions): QuarantineOptions & PolicyDeclaration {
  return { ...options, kind: 'quarantine' };
}

const rules = {
  key: callback<(...args: readonly unknown[]) => unknown>('(...args) => key'),
  duration: duration({ default: 1000 }),
  name: text({ defaultNote: 'operation id' }),
} satisfies Record<keyof QuarantineOptions, Rule>;

/** A call of a key that has just failed was rejected. */
export interface QuarantineRejectedEvent extends EventBase {
  readonly type: 'quarantine.rejected';
  readonly policyName: string;
  readonly remainingMs: number;
}

/** A call of this key has failed a moment ago. */
export class QuarantinedError extends ResilienceError {}
defineErrorTraits(QuarantinedError, { name: 'QuarantinedError', code: 'ERR_QUARANTINED', status: 503, isServiceUnavailable: true });

/** What all policies of one name know; every map has a bound. */
class Quarantine {
  private readonly until = new Map<string, number>();

  constructor(public settings: { readonly duration: number }) {}

  /** Told of settings that are changed while calls run. */
  reconfigure(settings: { readonly duration: number }): void {
    this.settings = settings;
  }

  /** How much longer the key is kept away, in milliseconds; 0 or less where it is not. */
  remainingMs(key: string, now: number): number {
    return (this.until.get(key) ?? now) - now;
  }

  /** How many keys are kept away. */
  size(now: number): number {
    return [...this.until.keys()].filter((key) => this.remainingMs(key, now) > 0).length;
  }

  /** Lets a key in again; all of them without one. */
  release(key: string | undefined): void {
    if (key === undefined) this.until.clear();
    else this.until.delete(key);
  }

  failed(key: string, now: number): void {
    this.until.delete(key);
    if (this.until.size >= 10_000) this.until.delete(this.until.keys().next().value!);
    this.until.set(key, now + this.settings.duration);
  }
}

/** Decides, and does nothing else: no promise, no timer, no clock of its own. */
class QuarantineStrategy implements Strategy {
  readonly kind = 'quarantine';

  constructor(
    readonly name: string,
    private readonly shared: Quarantine,
    private readonly key: (...args: readonly unknown[]) => unknown,
    private readonly environment: Environment,
  ) {}

  readonly admit = (call: Call, layer: number): Error | undefined => {
    const { operationId } = call;
    const key = keyText(this.key(...call.args), 'the key function of @Quarantine', operationId);
    call.slots[layer] = key;
    if (key === undefined) return undefined;
    const remainingMs = this.shared.remainingMs(key, call.now());
    if (remainingMs <= 0) return undefined;
    const { events, stackTraces: withStack } = this.environment;
    if (events.hasListeners('quarantine.rejected'))
      events.emit<QuarantineRejectedEvent>('quarantine.rejected', operationId, { policyName: this.name, remainingMs });
    return new QuarantinedError(`${operationId}: a call like this has just failed`, { operationId, policyName: this.name, withStack });
  };

  /** A rejection by a layer inside says nothing about the key. */
  readonly failed = (call: Call, layer: number): undefined => {
    const key = call.slots[layer] as string | undefined;
    if (key === undefined || call.outcome === Outcome.REJECTED) return;
    this.shared.failed(key, call.now());
  };

  /** Cut off: a time limit outside that passed while the method ran is a failure; a caller who leaves says nothing. */
  abandoned(call: Call, layer: number): undefined {
    if (call.outcome === Outcome.TIMEOUT && call.hasInvoked(layer)) this.failed(call, layer);
  }
}

export const quarantineKind = {
  kind: 'quarantine',
  label: 'Quarantine',
  rules,
  telemetry: {
    events: { 'quarantine.rejected': { when: 'A call of a key that has just failed was rejected.', level: 'debug' } },
    counters: [{ name: 'quarantined', meaning: 'Calls of keys that had just failed.', counter: 'rejections' }],
    metrics: [],
  },
  instance: {
    settings: ({ duration: durationMs }) => ({ duration: durationMs }),
    create: (_name, settings) => new Quarantine(settings),
    snapshot: (shared, now) => ({ durationMs: shared.settings.duration, quarantined: shared.size(now) }),
    commands: {
      release: {
        meaning: 'Lets calls of the key pass again.',
        rules: {},
        keyed: true,
        run: (shared, _given, key) => shared.release(key),
      },
    },
  },
  check({ key }, _given, problems) {
    if (key === undefined) problems.add('key is required: a function (...args) => key');
  },
  build({ key = () => undefined }, { name, instance, environment }) {
    return [{ strategy: new QuarantineStrategy(name, instance, key, environment) }];
  },
} as const satisfies PolicyKind<OptionsOf<typeof rules>, Quarantine, { readonly duration: number }>;
