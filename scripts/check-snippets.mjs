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
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
];
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
      paths: {
        'nestjs-bulwark': ['../../src/index.ts'],
        'nestjs-bulwark/core': ['../../src/core.ts'],
        'nestjs-bulwark/http': ['../../src/http/index.ts'],
        'nestjs-bulwark/terminus': ['../../src/terminus/index.ts'],
        'nestjs-bulwark/testing': ['../../src/testing/index.ts'],
      },
    },
    include: ['.'],
  }),
);
run(`${count} code blocks`, ['tsc', '-p', join(target, 'tsconfig.json')]);
