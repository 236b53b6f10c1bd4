import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';

interface Added {
  readonly text: string | null;
  readonly logged: string;
}

const modules = {
  'a list': ['@Module({\n  imports: [AModule, BModule],\n})\nclass App {}\n', 'imports: [ResilienceModule.forRoot(), AModule, BModule]'],
  'a list on lines': [
    '@Module({\n  imports: [\n    AModule,\n  ],\n})\nclass App {}\n',
    '[\n    ResilienceModule.forRoot(),\n    AModule,\n  ]',
  ],
  'no list': ['@Module({\n  providers: [],\n})\nclass App {}\n', '@Module({\n  imports: [ResilienceModule.forRoot()],\n  providers: []'],
  nothing: ['@Module({})\nclass App {}\n', 'imports: [ResilienceModule.forRoot()]'],
} as const;
const names = Object.keys(modules) as (keyof typeof modules)[];
const withIt = '@Module({ imports: [ResilienceModule.forRoot({ env: true })] })\nclass App {}\n';

let generated: Added;
let results: readonly Added[];

beforeAll(async () => {
  const texts = [...names.map((name) => modules[name][0]), withIt, null, 'export {};\n'];
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'run.cjs'), JSON.stringify(texts)], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  ({ generated, results } = JSON.parse(stdout) as { generated: Added; results: Added[] });
});

function mistakesIn(text: string | null): readonly unknown[] {
  return ts.transpileModule(text!, { reportDiagnostics: true, compilerOptions: { experimentalDecorators: true } }).diagnostics!;
}

describe('nest add nestjs-bulwark', () => {
  it('adds the module to a generated application, and says what to do next', () => {
    expect(generated.text).toContain("import { ResilienceModule } from 'nestjs-bulwark';");
    expect(generated.text).toContain('imports: [ResilienceModule.forRoot()]');
    expect(mistakesIn(generated.text)).toEqual([]);
    expect(generated.logged).toContain('put @Retry()');
  });

  it.each(names)('knows a module with %s', (name) => {
    const { text } = results[names.indexOf(name)]!;
    expect(text).toContain(modules[name][1]);
    expect(mistakesIn(text)).toEqual([]);
  });

  it('leaves alone what has it already, and says so where it finds no module', () => {
    const [has, missing, strange] = results.slice(names.length);
    expect(has!.text).toBe(withIt);
    expect(missing).toMatchObject({ text: null, logged: expect.stringContaining('there is no src/app.module.ts') as string });
    expect(strange).toMatchObject({ text: 'export {};\n', logged: expect.stringContaining('found no @Module') as string });
  });
});
