import type { Environment } from '../../engine/environment.js';
import type { SharedSettings } from '../../policies/shared-store.js';
import type { StoreKeys } from './keys.js';
import type { ScriptRunner } from './scripts/script.js';

/** Listens to what scripts publish. Messages can be lost (a connection that breaks): who needs all of them looks by itself too. */
export interface Channels {
  /** Gives what ends it. */
  subscribe(channel: string, listener: (message: Buffer) => void): () => void;
}

/** What the implementation of each port works with. */
export interface RedisContext {
  readonly environment: Environment;
  readonly settings: SharedSettings;
  readonly keys: StoreKeys;
  readonly scripts: ScriptRunner;
  readonly channels: Channels;
}
