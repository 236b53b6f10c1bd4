import type { Environment } from '../../engine/environment.js';
import type { FleetEntry } from '../../policies/fleet-store.js';
import type { InstanceControls } from '../controls.js';
import { isLater, readCommand, targetOf, type ToldCommand } from './told-command.js';

/** So many commands may wait for names that are not there yet. */
const MAX_WAITING = 1000;

/** How an instance comes to what it has not seen. */
export type CatchUp =
  /** It was there: all of it, in order. */
  | 'all'
  /** It was away, or there was too much: the last one for each target. */
  | 'last'
  /** It has just started: the last one for each target, of those that still count. */
  | 'standing';

/** Does what the fleet was told to do, in the order in which it was told. */
export class CommandLog {
  /** For names that are not there yet, by target. */
  private readonly waiting = new Map<string, ToldCommand>();

  constructor(
    private readonly controls: InstanceControls,
    private readonly environment: Environment,
  ) {}

  apply(entries: readonly FleetEntry[], how: CatchUp): void {
    const commands = new Map<string, ToldCommand>();
    // The last ones for each target come in no order, and a command for a name acts on its keys too.
    const inOrder = entries.toSorted((a, b) => (isLater(a.id, b.id) ? 1 : -1));
    for (const { id, text } of inOrder) {
      const command = readCommand(text);
      if (command === undefined) continue;
      const slot = how === 'all' ? id : targetOf(command);
      commands.delete(slot);
      commands.set(slot, command);
    }
    for (const command of commands.values()) this.one(command, how);
  }

  /** Names may have come that commands wait for. */
  lookAgain(): void {
    for (const [target, command] of this.waiting) {
      if (!this.controls.kindsOf(command.name).includes(command.kind)) continue;
      this.waiting.delete(target);
      this.one(command, 'standing');
    }
  }

  private one(command: ToldCommand, how: CatchUp): void {
    const { kind, name, command: what, key, arguments: given, reason, by } = command;
    const request = {
      reason,
      ...(key === undefined ? {} : { key }),
      ...(given === undefined ? {} : { arguments: given }),
      ...(by === undefined ? {} : { by }),
    };
    try {
      const { instance, isMomentary, reachesFleet } = this.controls.look(kind, name, what, request);
      const target = targetOf(command);
      this.waiting.delete(target);
      if (isMomentary && how === 'standing') return;
      if (instance === undefined) {
        if (!isMomentary && this.waiting.size < MAX_WAITING) this.waiting.set(target, command);
      } else if (!reachesFleet) this.controls.run(kind, name, what, request);
    } catch (error) {
      this.environment.callbackFailed(`the command ${what} of the fleet`, undefined, error);
    }
  }
}
