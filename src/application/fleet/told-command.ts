import { entriesOf, isRecord } from '../../options/index.js';
import { readJson } from './identity.js';

/** A command on its way through the fleet: who wants what of whom, and why. */
export interface ToldCommand {
  readonly kind: string;
  readonly name: string;
  readonly command: string;
  readonly key?: string | undefined;
  readonly arguments?: Readonly<Record<string, unknown>> | undefined;
  readonly reason: string;
  readonly by?: string | undefined;
  /** The instance that it was given to. */
  readonly origin: string;
  /** When, in milliseconds since 1970. */
  readonly at: number;
}

/** Who is meant; a later command for the same one takes the place of an earlier one. */
export function targetOf({ kind, name, key }: ToldCommand): string {
  return JSON.stringify(key === undefined ? [kind, name] : [kind, name, key]);
}

/** Undefined for what another version says in words that are not known here. */
export function readCommand(text: string): ToldCommand | undefined {
  const read = readJson(text);
  if (!isRecord(read)) return undefined;
  const { kind, name, command, key, arguments: given, reason, by, origin, at } = read;
  const texts = [kind, name, command, reason, origin].every((value) => typeof value === 'string');
  const isReadable = texts && (key === undefined || typeof key === 'string') && (given === undefined || entriesOf(given) !== undefined);
  if (!isReadable || (by !== undefined && typeof by !== 'string') || typeof at !== 'number') return undefined;
  // Every member was looked at just now.
  return read as unknown as ToldCommand;
}

/** `1700000000000-2`: whether one is later than another one; undefined is before all. */
export function isLater(id: string, than: string | undefined): boolean {
  if (than === undefined) return true;
  const [time = 0, count = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherCount = 0] = than.split('-').map(Number);
  return time === otherTime ? count > otherCount : time > otherTime;
}
