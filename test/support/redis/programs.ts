import { spawnSync } from 'node:child_process';

/** A server that the tests run against. */
export interface ServerProgram {
  readonly name: 'redis' | 'valkey';
  readonly program: string;
}

/** Redis, which must be there, and Valkey where the machine has it. `REDIS_SERVER` and `VALKEY_SERVER` name others than those of PATH. */
export const SERVER_PROGRAMS: readonly ServerProgram[] = [
  { name: 'redis', program: process.env['REDIS_SERVER'] ?? 'redis-server' },
  ...(['valkey'] as const)
    .map((name) => ({ name, program: process.env['VALKEY_SERVER'] ?? 'valkey-server' }))
    .filter(({ program }) => isThere(program)),
];

export const REDIS: ServerProgram = SERVER_PROGRAMS[0]!;

/** @throws where a program that tests need is missing: a check that nobody runs is none. */
export function assertThere({ name, program }: ServerProgram): void {
  if (!isThere(program)) throw new Error(`${name}-server is missing (${program}); npm run setup says how to get it`);
}

function isThere(program: string): boolean {
  return spawnSync(program, ['--version']).status === 0;
}
