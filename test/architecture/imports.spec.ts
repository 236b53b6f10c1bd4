import { importsOf, roomOf, sources, type Import } from './sources.js';

const all = [...sources()].flatMap(([file, text]) => importsOf(file, text));
const ours = all.filter(({ to }) => to.endsWith('.ts'));
const shown = ({ from, to }: Import): string => `${from} -> ${to}`;

/** Which rooms a room may look into; itself always. */
const ARROWS: Record<string, readonly string[]> = {
  options: [],
  engine: ['options'],
  // What all that is shared have in common; it knows the types of their ports.
  'shared-store': ['options', 'engine', 'policies/*'],
  'policies/*': ['options', 'engine', 'shared-store'],
  policies: ['options', 'engine', 'policies/*', 'shared-store'],
  config: ['options', 'engine', 'policies'],
  application: ['options', 'engine', 'policies', 'policies/*', 'shared-store', 'config'],
  core: ['options', 'engine', 'policies', 'policies/*', 'shared-store', 'config', 'application'],
  nest: ['options', 'engine', 'policies', 'policies/*', 'shared-store', 'config', 'application'],
  index: ['core', 'nest'],
  'integrations/*': ['options', 'engine', 'core', 'nest', 'index'],
  // Stores implement what the policies declare.
  'integrations/redis': ['options', 'engine', 'core', 'nest', 'index', 'policies/*', 'shared-store'],
  // Health tells of the store too.
  'integrations/terminus': ['options', 'engine', 'core', 'nest', 'index', 'shared-store'],
  testing: ['options', 'engine', 'index', 'policies/*', 'shared-store'],
};

const general = (room: string): string => room.replace(/^(policies|integrations)\/.*/, '$1/*');

/** The groups of files that reach each other, each in order (Tarjan's strongly connected components). */
function circlesOf(next: ReadonlyMap<string, readonly string[]>): string[][] {
  const numbers = new Map<string, number>();
  const path: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): number => {
    const number = numbers.size;
    numbers.set(file, number);
    path.push(file);
    let lowest = number;
    for (const target of next.get(file) ?? []) {
      if (!numbers.has(target)) lowest = Math.min(lowest, visit(target));
      else if (path.includes(target)) lowest = Math.min(lowest, numbers.get(target)!);
    }
    if (lowest < number) return lowest;
    const circle = path.splice(path.indexOf(file));
    if (circle.length > 1) circles.push(circle.toSorted());
    return lowest;
  };
  for (const file of next.keys()) if (!numbers.has(file)) visit(file);
  return circles;
}

describe('imports', () => {
  it('point down only', () => {
    const against = ours.filter(({ from, to }) => {
      const [source, target] = [roomOf(from), roomOf(to)];
      return source !== target && !(ARROWS[source] ?? ARROWS[general(source)]!).includes(general(target));
    });
    expect(against.map(shown)).toEqual([]);
  });

  it('of one policy never reach into another', () => {
    const between = ours.filter(
      ({ from, to }) => roomOf(from).startsWith('policies/') && roomOf(to).startsWith('policies/') && roomOf(from) !== roomOf(to),
    );
    expect(between.map(shown)).toEqual([]);
  });

  it('of a .policy file never reach the engine', () => {
    expect(ours.filter(({ from, to }) => from.endsWith('.policy.ts') && roomOf(to) === 'engine').map(shown)).toEqual([]);
  });

  it('of Nest stand only in nest and in integrations', () => {
    const nest = all.filter(
      ({ from, to }) =>
        (to.startsWith('@nestjs/') || to === 'reflect-metadata') && !['nest', 'integrations/*', 'testing'].includes(general(roomOf(from))),
    );
    expect(nest.map(shown)).toEqual([]);
  });

  it('of what works without Nest reach none of it, however far one follows them', () => {
    const nestFrom = (file: string, seen: Set<string>): string[] => {
      if (seen.has(file)) return [];
      seen.add(file);
      const atRunTime = all.filter(({ from, isType }) => from === file && !isType);
      const found = atRunTime.filter(({ to }) => to.startsWith('@nestjs/') || to === 'reflect-metadata').map(shown);
      return [...found, ...atRunTime.filter(({ to }) => to.endsWith('.ts')).flatMap(({ to }) => nestFrom(to, seen))];
    };
    expect(['core.ts', 'testing/index.ts'].flatMap((entry) => nestFrom(entry, new Set()))).toEqual([]);
    expect(nestFrom('testing/nest.ts', new Set()).length).toBeGreaterThan(0);
  });

  it('of packages are those of package.json and of the peers', () => {
    const packages = new Set(all.filter(({ to }) => !to.endsWith('.ts')).map(({ to }) => to));
    expect([...packages].toSorted()).toEqual([
      '@nestjs/common',
      '@nestjs/core',
      '@nestjs/terminus',
      '@opentelemetry/api',
      'fastest-levenshtein',
      'ms',
      'node:async_hooks',
      'node:crypto',
      'node:fs',
      'node:fs/promises',
      'node:http',
      'node:net',
      'node:os',
      'node:path',
      'node:perf_hooks',
      'node:process',
      'prom-client',
      'reflect-metadata',
      'rxjs',
    ]);
  });

  it('make no circle, of types either', () => {
    const next = new Map<string, string[]>();
    for (const { from, to } of ours) next.set(from, [...(next.get(from) ?? []), to]);
    expect(circlesOf(next)).toEqual([]);
    expect(
      circlesOf(
        new Map([
          ['a', ['b', 'c']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toEqual([['b', 'c']]);
  });

  it('are seen by the scan at all', () => {
    expect(ours.length).toBeGreaterThan(150);
    expect(importsOf('a/b.ts', "import { type A } from './c.js';\nexport { B } from '../d.js';")).toEqual([
      { from: 'a/b.ts', to: 'a/c.ts', isType: true },
      { from: 'a/b.ts', to: 'd.ts', isType: false },
    ]);
  });
});
