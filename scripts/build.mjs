// Builds the library (ESM by `nest build`, CommonJS by `tsc`) and the sample app, which uses the built package by its name.
import { rmSync, writeFileSync } from 'node:fs';
import { run } from './run.mjs';

rmSync('dist', { recursive: true, force: true });
run('build the ES modules', ['nest', 'build']);
run('build the CommonJS modules', ['tsc', '-p', 'tsconfig.cjs.json']);
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
if (!process.argv.includes('--library')) run('build the sample app', ['nest', 'build', 'sample-app']);
