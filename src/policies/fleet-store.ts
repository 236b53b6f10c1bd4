/** What one instance says of itself once a second. All texts are the fleet's own; a store does not look into them. */
export interface FleetBeat {
  readonly instance: string;
  /** Who it is. */
  readonly about: string;
  /** How it is, while somebody watches. */
  readonly snapshot: string | undefined;
  /** What has happened there, while somebody watches. */
  readonly events: readonly string[];
  /** It wants to know of all what they say of themselves. */
  readonly isWatching: boolean;
  /** Up to where it knows what there was; undefined for one that has just started. */
  readonly seen: FleetPosition | undefined;
}

/** A place in all that was told. */
export interface FleetPosition {
  /** Told apart from what a store knew before it lost everything. */
  readonly epoch: string;
  readonly command: string;
  readonly event: string;
}

/** Something told, under an id that grows. */
export interface FleetEntry {
  readonly id: string;
  readonly text: string;
}

/** One instance as the store knows it. */
export interface FleetMember {
  readonly instance: string;
  /** Since its last heartbeat, in milliseconds. */
  readonly ageMs: number;
  readonly about: string;
  /** What it said last of how it is, for those who watch. */
  readonly snapshot: string | undefined;
}

/** What the store knows of all of them. */
export interface FleetPulse {
  readonly position: FleetPosition;
  readonly members: readonly FleetMember[];
  /** Somebody watches, so that snapshots and events are wanted. */
  readonly isWatched: boolean;
  /** Commands since `seen`, in order. */
  readonly commands: readonly FleetEntry[];
  /** Those are not all, but the last one for each target: there were too many, or it has just started. */
  readonly isCollapsed: boolean;
  /** What the others told since `seen`, for those who watch. */
  readonly events: readonly FleetEntry[];
}

/** Where the instances of a group meet. What is not renewed goes away by itself. */
export interface FleetStore {
  beat(beat: FleetBeat): Promise<FleetPulse>;
  /** Tells a command to all, and keeps it as the last one for its target. Gives its id. */
  tell(target: string, text: string): Promise<string>;
  /** This instance ends. */
  leave(instance: string): Promise<unknown>;
  /** Tells that there is a command; who does not hear of it learns it with its next heartbeat. Gives what ends it. */
  onCommand(listener: () => void): () => void;
  /** How many instances reported when that was known last; undefined where it never was. */
  readonly reporting: number | undefined;
}

/** After so many milliseconds without a heartbeat an instance is gone. */
export const GONE_AFTER_MS = 3000;
/** For so long a store remembers one that is gone, so that it is seen to be missing. */
export const REMEMBERED_MS = 60_000;
/** So many commands, and last commands for a target, are kept. */
export const COMMANDS_KEPT = 1000;
/** So many events are kept. */
export const EVENTS_KEPT = 500;
/** How long a command is kept, in milliseconds: a week. */
export const COMMAND_KEPT_MS = 604_800_000;
