import { isSwitchedOff, resolve, type OperationDeclaration, type Settings } from '../config/index.js';
import type { Environment } from '../engine/environment.js';
import { ResilienceConfigError } from '../engine/error.js';
import type { PolicyDeclaration, PolicyKind } from '../engine/contract/kind.js';
import type { Registry } from '../engine/state/registry.js';
import { entriesOf, formatValue, suggestion } from '../options/index.js';
import { Bulkhead, bulkhead, bulkheadKind, type BulkheadOptions } from '../policies/bulkhead/index.js';
import {
  CircuitBreaker,
  circuitBreaker,
  circuitBreakerKind,
  idleBreaker,
  type CircuitBreakerOptions,
} from '../policies/circuit-breaker/index.js';
import { RateLimiter, rateLimit, rateLimitKind, type RateLimitOptions } from '../policies/rate-limit/index.js';

/** So many instances that let everything pass are remembered; one has no state that another could miss. */
const MAX_IDLE = 10_000;

/** A kind that can be used by hand. */
interface ByHand<Instance> {
  readonly kind: PolicyKind;
  /** The method that gives one. */
  readonly method: string;
  readonly of: abstract new (...args: never[]) => Instance;
  /** What lets everything pass, where an operator has switched the kind off. */
  idle(name: string, environment: Environment): Instance;
}

const breakers: ByHand<CircuitBreaker> = {
  kind: circuitBreakerKind,
  method: 'circuitBreaker',
  of: CircuitBreaker,
  idle: idleBreaker,
};

const bulkheads: ByHand<Bulkhead> = {
  kind: bulkheadKind,
  method: 'bulkhead',
  of: Bulkhead,
  idle: (name, environment) => Bulkhead.idle(name, environment),
};

const limiters: ByHand<RateLimiter> = {
  kind: rateLimitKind,
  method: 'rateLimiter',
  of: RateLimiter,
  idle: (name, environment) => RateLimiter.idle(name, environment),
};

/** The kinds that can be used by hand: finds their instances by name, and makes them. */
export class NamedInstances {
  /** Of names that an operator has switched off, by kind and name. */
  private readonly idle = new Map<string, unknown>();

  constructor(
    private readonly registry: Registry,
    private readonly environment: Environment,
    private readonly settings: () => Settings,
  ) {}

  circuitBreaker(name: string, options?: CircuitBreakerOptions): CircuitBreaker {
    return this.obtain(breakers, name, options, () => circuitBreaker({ ...options, name }));
  }

  bulkhead(name: string, options?: BulkheadOptions): Bulkhead {
    return this.obtain(bulkheads, name, options, () => bulkhead({ ...options, name }));
  }

  rateLimiter(name: string, options?: RateLimitOptions): RateLimiter {
    return this.obtain(limiters, name, options, () => rateLimit({ ...options, name } as RateLimitOptions));
  }

  circuitBreakers(): readonly CircuitBreaker[] {
    return this.all(breakers);
  }

  bulkheads(): readonly Bulkhead[] {
    return this.all(bulkheads);
  }

  rateLimiters(): readonly RateLimiter[] {
    return this.all(limiters);
  }

  private obtain<Instance>(byHand: ByHand<Instance>, name: string, options: unknown, declare: () => PolicyDeclaration): Instance {
    const { kind, method } = byHand;
    const location = `${method}(${formatValue(name)})`;
    if (typeof name !== 'string' || name === '')
      throw new ResilienceConfigError([`${location}: the name must be a text that is not empty`]);
    if (options !== undefined && entriesOf(options) === undefined) {
      throw new ResilienceConfigError([`${location}: the options must be an object that can be read, got ${formatValue(options)}`]);
    }
    const known = this.registry.find(kind.kind, name) as Instance | undefined;
    if (known !== undefined && options === undefined) return known;
    const settings = this.settings();
    if (known === undefined && (isSwitchedOff(kind, name, settings) || this.registry.isSwitchedOff(kind.kind, name)))
      return this.idleOne(byHand, name);
    if (options === undefined) {
      const names = this.registry.list(kind.kind).map((one) => one.name);
      throw new ResilienceConfigError([
        `${location}: there is none of that name${suggestion(name, names) || '.'} With options, ${method}(${formatValue(name)}, { ... }) makes one`,
      ]);
    }
    const declaration: OperationDeclaration = { id: name, levels: [{ source: 'by hand', policies: [declare()] }], decorated: false };
    const { policies } = resolve(declaration, { ...settings, enabled: true });
    return this.registry.instanceOf(policies[0]!, name) as Instance;
  }

  private idleOne<Instance>({ kind, idle }: ByHand<Instance>, name: string): Instance {
    const id = `${kind.kind} ${name}`;
    let instance = this.idle.get(id) as Instance | undefined;
    if (instance === undefined) {
      if (this.idle.size >= MAX_IDLE) return idle(name, this.environment);
      this.idle.set(id, (instance = idle(name, this.environment)));
    }
    return instance;
  }

  private all<Instance>({ kind, of }: ByHand<Instance>): readonly Instance[] {
    return this.registry.list(kind.kind).flatMap(({ instance }) => (instance instanceof of ? [instance] : []));
  }
}
