import type { Environment } from '../environment.js';
import { ResilienceConfigError } from '../error.js';
import type { BuiltLayer, ResolvedPolicy } from '../contract/kind.js';
import type { InstanceSource } from '../state/registry.js';

/** What becomes layers. */
export interface CompileInput {
  readonly operationId: string;
  /** In the order wanted, outermost first. */
  readonly policies: readonly ResolvedPolicy[];
  readonly environment: Environment;
  readonly registry: InstanceSource;
  /** The operation is compiled for the first time, and not anew with other functions or options. */
  readonly isNew?: boolean;
}

/** A layer with the policy that it was built of. */
export interface CompiledLayer extends BuiltLayer {
  /** As it was declared; what is in force the registry says. */
  readonly policy: ResolvedPolicy;
}

/**
 * Builds the layers of an operation, outermost first, of the options in force. A layer that bounds the whole (a total
 * timeout) stands where an order puts it; else outside of all others, but inside of what works even where resilience is off
 * (the fallback) when that comes first.
 * @throws ResilienceConfigError with all that is wrong, e.g. a name in use with other options.
 */
export function buildLayers({ operationId, policies, environment, registry, isNew = false }: CompileInput): readonly CompiledLayer[] {
  const problems: string[] = [];
  const inner: CompiledLayer[] = [];
  const total: CompiledLayer[] = [];
  /** For each policy how many layers stand outside of it. */
  const outsideOf: number[] = [];
  let leading = 0;
  for (const policy of policies) {
    outsideOf.push(inner.length);
    const { kind, name } = policy;
    try {
      const instance = registry.instanceOf(policy, operationId);
      const { options } = registry.live(policy);
      for (const layer of kind.build(options, { operationId, name, environment, instance, policies: isNew ? policies : undefined })) {
        (layer.place === 'total' ? total : inner).push(Object.assign({}, layer, { policy }));
        if (kind.alwaysOn === true && inner.length === leading + 1) leading++;
      }
    } catch (error) {
      if (!(error instanceof ResilienceConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ResilienceConfigError(problems);
  const named = total[0]?.policy.totalInsideOf;
  const place = named === undefined ? leading : (outsideOf[named] ?? inner.length);
  return inner.toSpliced(place, 0, ...total);
}
