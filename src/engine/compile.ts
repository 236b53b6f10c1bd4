import type { Environment } from './environment.js';
import { ResilienceConfigError } from './error.js';
import { givenOptions, type BuiltLayer, type ResolvedPolicy } from './kind.js';
import { Pipeline, type Invoker } from './pipeline.js';
import type { InstanceSource } from './registry.js';
import type { Strategy } from './strategy.js';

/** What becomes a pipeline. */
export interface CompileInput {
  readonly operationId: string;
  /** In the order wanted, outermost first. */
  readonly policies: readonly ResolvedPolicy[];
  readonly environment: Environment;
  readonly registry: InstanceSource;
  readonly invoke: Invoker | undefined;
  readonly timed: boolean;
}

/**
 * Compiles an operation.
 * @throws ResilienceConfigError with all that is wrong, e.g. a name in use with other options.
 */
export function compile(input: CompileInput): Pipeline {
  return new Pipeline(input.operationId, buildLayers(input), input.environment, input.invoke, input.timed);
}

/**
 * Builds the strategies of an operation and puts them in order. A layer that bounds the whole (a total timeout) stands
 * outside of all others, but inside of what works even where resilience is off (the fallback) when that comes first.
 */
export function buildLayers({
  operationId,
  policies,
  environment,
  registry,
}: Pick<CompileInput, 'operationId' | 'policies' | 'environment' | 'registry'>): readonly Strategy[] {
  const problems: string[] = [];
  const inner: BuiltLayer[] = [];
  const outermost: BuiltLayer[] = [];
  let leading = 0;
  for (const { kind, options, sources } of policies) {
    const given = givenOptions(sources);
    try {
      for (const layer of kind.build(options, { operationId, environment, registry, given, policies })) {
        (layer.outermost === true ? outermost : inner).push(layer);
        if (kind.alwaysOn === true && inner.length === leading + 1) leading++;
      }
    } catch (error) {
      if (!(error instanceof ResilienceConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ResilienceConfigError(problems);
  inner.splice(leading, 0, ...outermost);
  return inner.map(({ strategy }) => strategy);
}
