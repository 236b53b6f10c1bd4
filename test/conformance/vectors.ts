import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One step of a vector; which fields it has depends on `op`. See README.md beside this file. */
export interface Step {
  readonly at_ms: number;
  readonly op: string;
  readonly outcome?: string;
  readonly duration_ms?: number;
  readonly key?: string;
  readonly cost?: number;
  readonly priority?: number;
  readonly abort_at_ms?: number;
  readonly after?: number;
  readonly microtasks?: number;
  readonly max_concurrent?: number;
  readonly attempts?: readonly ScriptedAttempt[];
}

export interface ScriptedAttempt {
  readonly outcome: string;
  readonly duration_ms?: number;
  readonly retry_after_ms?: number;
}

export interface Vector {
  readonly id: string;
  readonly title: string;
  // The options differ by kind; each adapter reads its own.
  readonly options: Record<string, unknown>;
  readonly steps: readonly Step[];
  readonly expect: readonly Record<string, unknown>[];
  readonly [extra: string]: unknown;
}

export function vectors(file: string): readonly Vector[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${file}.json`), 'utf8')) as Vector[];
}
