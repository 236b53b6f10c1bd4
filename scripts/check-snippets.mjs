// Every TypeScript block of README.md and docs/ compiles, against the sources, under the published names.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './run.mjs';

const target = '.cache/snippets';
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });

const pages = [
  'README.md',
  ...readdirSync('docs', { recursive: true })
    // The report of the public API shows declarations, not programs.
    .filter((file) => file.endsWith('.md') && !file.endsWith('public-api.md'))
    .map((file) => join('docs', file)),
];
const entries = Object.entries(JSON.parse(readFileSync('package.json', 'utf8')).exports)
  .filter(([, conditions]) => typeof conditions === 'object')
  .map(([entry, { import: built }]) => [
    `nestjs-bulwark${entry.slice(1)}`,
    [built.types.replace('./dist/esm/', '../../src/').replace(/\.d\.ts$/, '.ts')],
  ]);
let count = 0;
for (const page of pages) {
  for (const [, code] of readFileSync(page, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)) {
    count++;
    writeFileSync(join(target, `${page.replaceAll(/\W/g, '-')}-${count}.ts`), `// ${page}\n${code}\nexport {};\n`);
  }
}
writeFileSync(
  join(target, 'tsconfig.json'),
  JSON.stringify({
    extends: '../../tsconfig.json',
    compilerOptions: {
      rootDir: '../..',
      noEmit: true,
      noUnusedLocals: false,
      noUnusedParameters: false,
      types: ['node', 'jest'],
      paths: Object.fromEntries(entries),
    },
    include: ['.'],
  }),
);
run(`${count} code blocks`, ['tsc', '-p', join(target, 'tsconfig.json')]);
