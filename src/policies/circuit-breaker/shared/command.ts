import type { CommandScope } from '../../../engine/contract/instance.js';
import { formatValue } from '../../../options/index.js';

/** How far a command by hand reaches. */
export interface CircuitCommandOptions {
  /**
   * `fleet`: all instances that share the circuit, and those that start later. `instance`: this process alone, until `close` or
   * `reset` with this scope brings it back to the state of the fleet, or a command to the fleet comes. A breaker that is not
   * shared has no fleet. Default: `fleet`.
   */
  readonly scope?: CommandScope;
}

/** @throws TypeError for what is no scope. */
export function scopeOf(options: CircuitCommandOptions | undefined): CommandScope {
  const scope: unknown = options?.scope ?? 'fleet';
  if (scope === 'fleet' || scope === 'instance') return scope;
  throw new TypeError(`scope must be "fleet" or "instance", got ${formatValue(scope)}`);
}
