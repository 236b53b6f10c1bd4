import type { Environment } from '../environment.js';
import { differences } from './deep-equal.js';
import { ResilienceConfigError } from '../error.js';
import type { OptionSources, PolicyKind, ResolvedOptions, ResolvedPolicy } from '../contract/kind.js';

/** An instance that can go on with other settings. */
interface LiveInstance {
  reconfigure?(settings: object): void;
  /** Told of options that are changed on the instance itself. */
  changedByHand?: (options: ResolvedOptions) => void;
}

/** How a policy was declared first under a name. */
interface Declared {
  readonly policy: ResolvedPolicy;
  readonly settings: object;
  readonly location: string;
}

const NOTHING: ResolvedOptions = Object.freeze({});

/**
 * All that is said of one name of one kind, and the only place where it stands:
 * - DECLARED: how the first policy of that name was declared. A later declaration is compared with this, whatever was changed since.
 * - CHANGES: options that were changed while the application runs (`reconfigure`, `resize`), each with its last value.
 * - LIVE is not kept, but made of both: declared options with the changes over them. That is what the instance goes by and what the
 *   layers of each operation are built of, so an option that nobody named is never touched.
 */
export class NamedSettings {
  private declared: Declared | undefined;
  private changes: ResolvedOptions = NOTHING;
  private changeSources: OptionSources = {};
  /** What the policies of this name share. */
  instance: object | undefined;

  constructor(
    readonly kind: PolicyKind,
    readonly name: string,
  ) {}

  /**
   * A policy of this name, maybe not the first one; gives what they share.
   * @throws ResilienceConfigError where it was declared with other options.
   */
  declare(policy: ResolvedPolicy, location: string, environment: Environment): object | undefined {
    const settings = this.kind.instance?.settings(policy.options, policy.sources);
    if (settings === undefined) return undefined;
    if (this.declared !== undefined) {
      this.compare(this.declared, settings, location);
      return this.instance;
    }
    this.declared = { policy, settings, location };
    const live = this.live(policy);
    const current = live === policy ? settings : this.kind.instance!.settings(live.options, live.sources)!;
    this.instance = this.kind.instance!.create(this.name, current, live.options, environment);
    const instance: LiveInstance | undefined = this.instance;
    if (instance?.reconfigure !== undefined) instance.changedByHand = (options) => this.record(options, 'by hand');
    return this.instance;
  }

  /** A policy of this name with what was changed since: the same one where nothing was. */
  live(policy: ResolvedPolicy, next: ResolvedOptions = NOTHING): ResolvedPolicy {
    if (next === NOTHING && this.changes === NOTHING) return policy;
    const { kind, name, options, sources } = policy;
    return {
      kind,
      name,
      options: { ...options, ...this.changes, ...next },
      sources: { ...sources, ...this.changeSources, ...sourcesOf(next, 'reconfigure') },
    };
  }

  /** The shared instance as it would be declared with these changes; undefined where nothing is shared. */
  shared(next: ResolvedOptions): ResolvedPolicy | undefined {
    return this.declared === undefined ? undefined : this.live(this.declared.policy, next);
  }

  /** These options are others from now on, and no others. Then `apply` tells the instance. */
  change(options: ResolvedOptions): void {
    this.record(options, 'reconfigure');
  }

  /** The instance goes on with what is in force. Who waits there may hear of it, and change settings in turn. */
  apply(): void {
    const live = this.shared({});
    if (live === undefined) return;
    const instance: LiveInstance | undefined = this.instance;
    instance?.reconfigure?.(this.kind.instance!.settings(live.options, live.sources)!);
  }

  private record(options: ResolvedOptions, source: string): void {
    this.changes = { ...this.changes, ...options };
    this.changeSources = { ...this.changeSources, ...sourcesOf(options, source) };
  }

  private compare(declared: Declared, settings: object, location: string): void {
    const different = differences(declared.settings, settings);
    if (different.length === 0) return;
    const { kind } = this.kind;
    throw new ResilienceConfigError([
      `${location}: the name "${this.name}" is in use by ${declared.location} with a different ${different.join(', ')}; equal names share one ${kind}, so give both the same options or one another name`,
    ]);
  }
}

function sourcesOf(options: ResolvedOptions, source: string): OptionSources {
  return Object.fromEntries(Object.keys(options).map((option) => [option, source]));
}
