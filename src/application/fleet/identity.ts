import { hostname } from 'node:os';
import { pid, version } from 'node:process';
import { isRecord } from '../../options/index.js';
import { VERSION } from './version.js';

/** Who an instance is. */
export interface FleetIdentity {
  readonly host: string;
  readonly pid: number;
  /** Of this library, and of Node. */
  readonly versions: { readonly bulwark: string; readonly node: string };
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** The last command that it knows of; undefined before its first heartbeat. */
  readonly lastCommand: string | undefined;
}

export function identityOf(startedAt: number, lastCommand: string | undefined): FleetIdentity {
  return { host: hostname(), pid, versions: { bulwark: VERSION, node: version }, startedAt, lastCommand };
}

/** What another version of this library said of itself may be anything. */
export function readIdentity(text: string): FleetIdentity | undefined {
  const read = readJson(text);
  if (!isRecord(read) || !isRecord(read['versions'])) return undefined;
  const { host, pid: process, versions, startedAt, lastCommand } = read;
  return {
    host: String(host),
    pid: Number(process),
    versions: { bulwark: String(versions['bulwark']), node: String(versions['node']) },
    startedAt: Number(startedAt),
    lastCommand: typeof lastCommand === 'string' ? lastCommand : undefined,
  };
}

/** Undefined for what is no JSON. */
export function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
