// `npm run fuzz -- [--seconds N] [--seed S] [--path P]`: see test/fuzz/main.ts. Runs the sources, without a build.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { transformSync } from '@swc/core';
import { run } from './run.mjs';

const target = '.cache/fuzz';
rmSync(target, { recursive: true, force: true });
for (const folder of ['src', 'test/fuzz']) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const filename = join(folder, name);
    const { code } = transformSync(readFileSync(filename, 'utf8'), {
      filename,
      sourceMaps: 'inline',
      module: { type: 'es6' },
      jsc: {
        target: 'es2022',
        keepClassNames: true,
        parser: { syntax: 'typescript', decorators: true },
        transform: { legacyDecorator: true, decoratorMetadata: true },
      },
    });
    const file = join(target, filename.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, code);
  }
}
run('fuzz', ['node', '--enable-source-maps', join(target, 'test/fuzz/main.js'), ...process.argv.slice(2)]);
