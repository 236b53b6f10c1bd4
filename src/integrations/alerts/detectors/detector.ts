import type { EventBase } from '../../../engine/telemetry/events.js';

/** Looks for what a rule is about, and tells the book. */
export interface Detector {
  /** The events that it wants to hear. */
  readonly wants?: (type: string) => boolean;
  hear?(event: EventBase): void;
  /** Looks around; called again and again. */
  look?(): void;
  /** The application shuts down. */
  stop?(): void;
}
