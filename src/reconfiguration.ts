import { buildLayers } from './engine/compile.js';
import type { Environment } from './engine/environment.js';
import { ResilienceConfigError } from './engine/error.js';
import { givenOptions, type PolicyKind, type ResolvedPolicy } from './engine/kind.js';
import type { ProtectedOperation } from './engine/protected-operation.js';
import type { InstanceSource, Registry } from './engine/registry.js';
import type { Strategy } from './engine/strategy.js';
import { isRecord, Problems, readOptions, show, suggestion } from './options/index.js';

/** What `reconfigure` looks at. */
interface Application {
  readonly kinds: readonly PolicyKind[];
  readonly operations: Iterable<ProtectedOperation>;
  readonly registry: Registry;
  readonly environment: Environment;
}

/** An instance that can go on with other settings. */
interface Live {
  reconfigure?(settings: object): void;
}

/** The new strategies of one operation, built and not yet in use. */
interface Plan {
  readonly operation: ProtectedOperation;
  readonly policies: readonly ResolvedPolicy[];
  readonly layers: readonly Strategy[];
}

/**
 * Changes the policies of one name while calls run: everything is read, checked and built before anything is changed.
 * Instances go on with other settings; the strategies around them are new, and hear the end of calls that are on their way.
 * @throws ResilienceConfigError with every mistake; then nothing has changed.
 */
export function reconfigure(name: string, changes: Readonly<Record<string, unknown>>, application: Application): void {
  const problems = new Problems();
  const read = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [kindName, options] of Object.entries(changes)) {
    const place = `reconfigure(${show(name)}): ${kindName}`;
    const kind = application.kinds.find((one) => one.kind === kindName);
    if (kind === undefined) {
      const names = application.kinds.map((one) => one.kind);
      problems.add(`reconfigure(${show(name)}): there is no kind "${kindName}"${suggestion(kindName, names)}`);
    } else if (!isRecord(options)) problems.add(`${place} must be an object with options, got ${show(options)}`);
    else read.set(kindName, readChanges(kind, options, place, problems));
  }
  const instances = new Map<Live, { readonly kind: string; readonly name: string; readonly settings: object }>();
  const plans = planAll(name, read, application, instances, problems);
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  for (const [instance, { kind, name: instanceName, settings }] of instances) {
    instance.reconfigure?.(settings);
    application.registry.renew(kind, instanceName, settings);
  }
  for (const { operation, policies, layers } of plans) {
    operation.policies = policies;
    operation.pipeline.replace(layers);
  }
  const { events } = application.environment;
  if (events.wants('config.changed'))
    for (const [kind, options] of read) events.emit('config.changed', undefined, { policyName: name, kind, options });
}

function readChanges(kind: PolicyKind, options: Record<string, unknown>, place: string, problems: Problems): Record<string, unknown> {
  for (const option of Object.keys(options)) {
    const isFixed = option === 'name' || kind.fixed?.includes(option) === true || kind.rules[option]?.code === true;
    if (isFixed) problems.add(`${place}.${option} cannot be changed while the application runs`);
  }
  return problems.at(place, (found) => readOptions(kind.rules, options, found));
}

function planAll(
  name: string,
  read: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
  application: Application,
  instances: Map<Live, { kind: string; name: string; settings: object }>,
  problems: Problems,
): readonly Plan[] {
  const met = new Set<string>();
  const plans: Plan[] = [];
  const registry = recording(application.registry, instances);
  for (const operation of application.operations) {
    const affected = operation.policies.filter(({ kind, options }) => read.has(kind.kind) && nameOf(options, operation.id) === name);
    if (affected.length === 0) continue;
    for (const { kind } of affected) met.add(kind.kind);
    const policies = operation.policies.map((policy) =>
      affected.includes(policy) ? changed(policy, read.get(policy.kind.kind)!, operation.id, problems) : policy,
    );
    if (problems.messages.length > 0) continue;
    const built = buildLayers({ operationId: operation.id, policies, environment: application.environment, registry });
    const kinds = new Set(affected.map(({ kind }) => kind.kind));
    const before = operation.pipeline.layers;
    if (built.map(({ kind }) => kind).join() !== before.map(({ kind }) => kind).join())
      problems.add(`reconfigure(${show(name)}): ${operation.id} would have other layers; that needs a restart`);
    else plans.push({ operation, policies, layers: built.map((layer, index) => (kinds.has(layer.kind) ? layer : before[index]!)) });
  }
  for (const kind of read.keys()) {
    if (met.has(kind)) continue;
    const names = [...application.operations].flatMap(({ id, policies }) =>
      policies.filter((policy) => policy.kind.kind === kind).map(({ options }) => nameOf(options, id)),
    );
    problems.add(`reconfigure(${show(name)}): there is no ${kind} of that name${suggestion(name, names)}`);
  }
  return plans;
}

function nameOf(options: ResolvedPolicy['options'], operationId: string): string {
  return typeof options['name'] === 'string' ? options['name'] : operationId;
}

function changed(
  { kind, options, sources }: ResolvedPolicy,
  changes: Readonly<Record<string, unknown>>,
  operationId: string,
  problems: Problems,
): ResolvedPolicy {
  const next = {
    kind,
    options: { ...options, ...changes },
    sources: { ...sources, ...Object.fromEntries(Object.keys(changes).map((option) => [option, 'reconfigure'])) },
  };
  problems.at(`${operationId}: ${kind.kind}`, (found) => kind.check?.(next.options, givenOptions(next.sources), found));
  return next;
}

/** Gives the instances that are there, and notes what they are to become. */
function recording(registry: Registry, instances: Map<Live, { kind: string; name: string; settings: object }>): InstanceSource {
  return {
    obtain(kind, name, settings, _place, create) {
      const instance = registry.find(kind, name);
      if (instance === undefined) return create();
      instances.set(instance as Live, { kind, name, settings });
      return instance as ReturnType<typeof create>;
    },
  };
}
