import type { CommandRequest } from '../control-request.js';

/** What a command to the fleet is told. */
export interface FleetCommandRequest extends CommandRequest {
  /** Why: told to all, and kept with the command. */
  readonly reason: string;
  /** Which kind, where several have an instance of that name and the command. */
  readonly kind?: string;
}

/** Who has done what was told. */
export interface FleetCommandProgress {
  /** Undefined where the fleet was not told: it is one instance, it was for this one, or the store reaches the others. */
  readonly id: string | undefined;
  readonly applied: readonly string[];
  /** They report, and have not done it yet. */
  readonly pending: readonly string[];
}
