import { buildLayers } from '../engine/pipeline/compile.js';
import type { Environment } from '../engine/environment.js';
import { ResilienceConfigError } from '../engine/error.js';
import type { ConfigChangedEvent } from '../engine/telemetry/operation-events.js';
import type { KindTable } from '../engine/contract/kind-table.js';
import { explicitOptions, type PolicyKind, type ResolvedOptions, type ResolvedPolicy } from '../engine/contract/kind.js';
import type { NamedSettings } from '../engine/state/named-settings.js';
import type { ProtectedOperation } from '../engine/pipeline/protected-operation.js';
import type { InstanceSource, Registry } from '../engine/state/registry.js';
import type { Strategy } from '../engine/contract/strategy.js';
import { entriesOf, isRecord, Problems, readOptions, formatValue, suggestion } from '../options/index.js';

/** What `reconfigure` looks at. */
interface Application {
  readonly kinds: KindTable;
  readonly operations: Iterable<ProtectedOperation>;
  readonly registry: Registry;
  readonly environment: Environment;
}

/** What one kind is to become under the name. */
interface Change {
  readonly settings: NamedSettings;
  readonly options: ResolvedOptions;
}

/** The changes by kind. */
type Changes = ReadonlyMap<string, Change>;

/** The new strategies of one operation, built and not yet in use. */
interface Plan {
  readonly operation: ProtectedOperation;
  readonly layers: readonly Strategy[];
}

/**
 * Changes the policies of one name while calls run. In three steps, so that it is all or nothing: reads the options and finds the
 * settings of the name (`NamedSettings`, which own them); checks and builds everything as it would be; and then changes. The
 * strategies around an instance are new, and hear the end of calls that are on their way.
 * @throws ResilienceConfigError with every mistake; then nothing has changed.
 */
export function reconfigure(name: string, input: unknown, application: Application): void {
  const problems = new Problems();
  const changes = readChanges(name, input, application, problems);
  const plans = planAll(name, changes, application, problems);
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  for (const { settings, options } of changes.values()) settings.change(options);
  for (const { operation, layers } of plans) operation.pipeline.replace(layers);
  application.registry.version++;
  // Last, when all is as it is to be: an instance tells those whom the change turns away, and they may reconfigure too.
  const { events, environment } = { events: application.environment.events, environment: application.environment };
  for (const { settings } of changes.values())
    environment.notify(`reconfigure of ${settings.kind.kind}`, undefined, () => settings.apply());
  if (events.hasListeners('config.changed'))
    for (const [kind, { options }] of changes)
      events.emit<ConfigChangedEvent>('config.changed', undefined, { policyName: name, kind, options });
}

function readChanges(name: string, input: unknown, { kinds, registry }: Application, problems: Problems): Changes {
  const changes = new Map<string, Change>();
  const where = `reconfigure(${formatValue(name)})`;
  const given = entriesOf(input);
  if (typeof name !== 'string') throw new ResilienceConfigError([`${where}: the name must be a text`]);
  if (given === undefined) problems.add(`${where} takes an object that maps a kind to options, got ${formatValue(input)}`);
  for (const [kindName, value] of given ?? []) {
    if (value === undefined) continue;
    const kind = kinds.find(kindName);
    if (kind === undefined) {
      problems.add(`${where}: ${kinds.unknown(kindName)}`);
      continue;
    }
    const location = `${where}: ${kindName}`;
    const options = isRecord(value) ? readChange(kind, value, location, problems) : undefined;
    if (options === undefined) problems.add(`${location} must be an object with options, got ${formatValue(value)}`);
    const settings = registry.settingsOf(kindName, name);
    if (settings === undefined) {
      problems.add(`${where}: there is no ${kindName} of that name${suggestion(name, registry.namesOf(kindName))}`);
    } else if (options !== undefined) {
      changes.set(kindName, { settings, options });
      const shared = settings.shared(options);
      if (shared !== undefined) check(shared, location, problems);
    }
  }
  return changes;
}

function readChange(kind: PolicyKind, options: Record<string, unknown>, location: string, problems: Problems): ResolvedOptions {
  for (const option of Object.keys(options)) {
    const isFixed = option === 'name' || kind.fixed?.includes(option) === true || kind.rules[option]?.isFunction === true;
    if (isFixed) problems.add(`${location}.${option} cannot be changed while the application runs`);
  }
  return problems.at(location, (found) => readOptions(kind.rules, options, found));
}

function check({ kind, options, sources }: ResolvedPolicy, location: string, problems: Problems): void {
  problems.at(location, (found) => kind.check?.(options, explicitOptions(sources), found));
}

/** Builds the layers of all operations that have a policy of the name, as they would be. */
function planAll(name: string, changes: Changes, { operations, registry, environment }: Application, problems: Problems): readonly Plan[] {
  const changed = (policy: ResolvedPolicy): Change | undefined => (policy.name === name ? changes.get(policy.kind.kind) : undefined);
  const preview: InstanceSource = {
    live(policy) {
      const change = changed(policy);
      return change === undefined ? registry.live(policy) : change.settings.live(policy, change.options);
    },
    instanceOf: (policy) => registry.find(policy.kind.kind, policy.name),
  };
  const plans: Plan[] = [];
  for (const operation of operations) {
    const { id, policies, pipeline } = operation;
    const affected = policies.filter((policy) => changed(policy) !== undefined);
    if (affected.length === 0) continue;
    for (const policy of affected) check(preview.live(policy), `${id}: ${policy.kind.kind}`, problems);
    if (problems.messages.length > 0) continue;
    const built = buildLayers({ operationId: id, policies, environment, registry: preview });
    const before = operation.layers.map(({ policy }) => policy);
    if (built.length !== before.length || built.some(({ policy }, index) => policy !== before[index]))
      problems.add(`reconfigure(${formatValue(name)}): ${id} would have other layers; that needs a restart`);
    else {
      const layers = built.map(({ policy, strategy }, index) => (changed(policy) === undefined ? pipeline.layers[index]! : strategy));
      plans.push({ operation, layers });
    }
  }
  return plans;
}
