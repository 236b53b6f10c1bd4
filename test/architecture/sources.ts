import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';

const SRC = join(import.meta.dirname, '../../src');

/** An import as it stands in a file. */
export interface Import {
  readonly from: string;
  /** A path below src, or a package. */
  readonly to: string;
  readonly isType: boolean;
}

/** The files of src by their path, with their text. */
export function sources(): ReadonlyMap<string, string> {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Map(files.map((file) => [file, readFileSync(join(SRC, file), 'utf8')]));
}

/** Everything that a file imports or re-exports. */
export function importsOf(file: string, text: string): readonly Import[] {
  const found = text.matchAll(/^(import|export)\s+(type\s+)?((?:[^;'"=]*?)\s*from\s*)?'([^']+)';/gms);
  return [...found].map(([, , wholeType, names, to]) => ({
    from: file,
    to: to!.startsWith('.') ? normalize(join(dirname(file), to!)).replace(/\.js$/, '.ts') : to!,
    isType: wholeType !== undefined || onlyTypes(names ?? ''),
  }));
}

/** `{ type A, type B }` imports nothing at run time. */
function onlyTypes(names: string): boolean {
  const list = /^\{([^}]*)\}$/s.exec(names.replace(/from\s*$/, '').trim())?.[1];
  return list !== undefined && list.split(',').every((name) => name.trim() === '' || name.trim().startsWith('type '));
}

/** The text without comments and strings: what is left is code. */
export function codeOf(text: string): string {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|[^:'"])\/\/.*$/gm, '$1')
    .replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''")
    .replaceAll(/`(?:[^`\\]|\\.)*`/g, '``');
}

/** The folder of src that a file stands in: `policies/retry/backoff.ts` is in `policies/retry`, `engine/call/call.ts` in `engine`. */
export function roomOf(file: string): string {
  const parts = relative('.', file).split('/');
  if (file === 'policies/shared-store.ts' || file === 'policies/fleet-store.ts') return 'shared-store';
  if (parts.length === 1) return file.replace(/\.ts$/, '');
  return ['policies', 'integrations'].includes(parts[0]!) && parts.length > 2 ? `${parts[0]}/${parts[1]}` : parts[0]!;
}
