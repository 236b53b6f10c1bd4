import type { CommandDeclaration, CommandScope, KeyPage } from '../engine/contract/instance.js';
import { ResilienceConfigError } from '../engine/error.js';
import { choice, entriesOf, integer, Problems, readSettings, rule, text, type OptionsOf, type Rule, type Rules } from '../options/index.js';

/** What a command is told beside whom it is for. */
export interface CommandRequest {
  /** Only that key. */
  readonly key?: string;
  /** What the command takes: `{ maxConcurrent: 20 }`. */
  readonly arguments?: Readonly<Record<string, unknown>>;
  /** Why, and who wants it: told by the event. */
  readonly reason?: string;
  readonly by?: string;
  /**
   * What is shared in a store is changed for all (`fleet`) or for this application alone (`instance`). What is not shared is changed here
   * alone; `resilience.fleet.command` tells the others.
   * @default 'fleet'
   */
  readonly scope?: CommandScope;
}

/** How many keys one page may have. */
const MAX_PAGE = 1000;

const pageRules = {
  offset: integer({ min: 0, default: 0 }),
  limit: integer({ min: 1, max: MAX_PAGE, default: 50 }),
} satisfies Record<keyof KeyPage, unknown>;

/** Options with their defaults; all mistakes in one error. */
export function readAll<All extends Rules>(rules: All, input: object, location: string): OptionsOf<All> {
  const problems = new Problems();
  const read = problems.at(location, (found) => readSettings<OptionsOf<All>>(rules, input, found));
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return read;
}

const requestRules = {
  key: text(),
  arguments: rule('an object that can be read', (value) => (entriesOf(value) === undefined ? undefined : (value as object))),
  reason: text(),
  by: text(),
  scope: choice(['fleet', 'instance'], { default: 'fleet' }),
} satisfies Record<keyof CommandRequest, Rule>;

/** What a command is told, by its rules; each argument without a default is required. */
export function readRequest(
  { rules, keyed = false }: CommandDeclaration<object>,
  request: CommandRequest,
  location: string,
): Readonly<Record<string, unknown>> {
  const { key, arguments: given = {} } = readAll(requestRules, request, `${location}:`);
  const problems = new Problems();
  if (key !== undefined && !keyed) problems.add(`${location}: it is for all keys, so leave key out`);
  const required = Object.keys(rules).filter((argument) => rules[argument]!.default === undefined);
  const read = problems.at(`${location}:`, (found) => readSettings<Record<string, unknown>>(rules, given, found, required));
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return read;
}

/** Which part of the keys is wanted. */
export function readPage(page: KeyPage, location: string): Required<KeyPage> {
  return readAll(pageRules, page, location);
}
