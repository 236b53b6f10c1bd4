import { resolve, type Settings } from './config/index.js';
import type { Environment } from './engine/environment.js';
import { givenOptions, type BuildContext, type PolicyDeclaration } from './engine/kind.js';
import type { Registry } from './engine/registry.js';
import { Bulkhead, bulkhead, obtainBulkhead, type BulkheadOptions } from './policies/bulkhead/index.js';
import { CircuitBreaker, circuitBreaker, obtainCircuitBreaker, type CircuitBreakerOptions } from './policies/circuit-breaker/index.js';
import { obtainRateLimiter, RateLimiter, rateLimit, type RateLimitOptions } from './policies/rate-limit/index.js';

type Obtain<Instance> = (options: Readonly<Record<string, unknown>>, context: BuildContext) => Instance;

/** The kinds that can be used by hand: finds their instances by name, and makes them. */
export class NamedInstances {
  constructor(
    private readonly registry: Registry,
    private readonly environment: Environment,
    private readonly settings: Settings,
  ) {}

  circuitBreaker(name: string, options?: CircuitBreakerOptions): CircuitBreaker {
    return (
      this.known(CircuitBreaker, options, 'circuitBreaker', name) ??
      this.make(circuitBreaker({ ...options, name }), name, obtainCircuitBreaker)
    );
  }

  bulkhead(name: string, options?: BulkheadOptions): Bulkhead {
    return this.known(Bulkhead, options, 'bulkhead', name) ?? this.make(bulkhead({ ...options, name }), name, obtainBulkhead);
  }

  rateLimiter(name: string, options?: RateLimitOptions): RateLimiter {
    const policy = rateLimit({ ...options, name } as RateLimitOptions);
    return this.known(RateLimiter, options, 'rateLimit', name) ?? this.make(policy, name, obtainRateLimiter);
  }

  circuitBreakers(): readonly CircuitBreaker[] {
    return this.all(CircuitBreaker);
  }

  bulkheads(): readonly Bulkhead[] {
    return this.all(Bulkhead);
  }

  rateLimiters(): readonly RateLimiter[] {
    return this.all(RateLimiter);
  }

  private known<Instance>(
    of: abstract new (...args: never[]) => Instance,
    options: object | undefined,
    kind: string,
    name: string,
  ): Instance | undefined {
    const instance = options === undefined ? this.registry.find(kind, name) : undefined;
    return instance instanceof of ? instance : undefined;
  }

  private make<Instance>(policy: PolicyDeclaration, name: string, obtain: Obtain<Instance>): Instance {
    const declaration = { id: name, levels: [{ source: 'by hand', policies: [policy] }], decorated: false };
    const [resolved] = resolve(declaration, { ...this.settings, enabled: true });
    const { options, sources } = resolved!;
    const given = givenOptions(sources);
    return obtain(options, { operationId: name, environment: this.environment, registry: this.registry, given });
  }

  private all<Instance>(of: abstract new (...args: never[]) => Instance): readonly Instance[] {
    return this.registry.list().flatMap(({ instance }) => (instance instanceof of ? [instance] : []));
  }
}
