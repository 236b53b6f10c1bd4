import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import ts from 'typescript';
import { shapes } from './shapes.js';

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

/** Whose list of imports is not written where the module is. */
const unreadable = new Set(['imports in a constant', 'imports that are an expression', 'shorthand imports']);

let generated: Added;
let results: readonly Added[];

beforeAll(async () => {
  const texts = [...names.map((name) => modules[name][0]), withIt, null, 'export {};\n', ...Object.values(shapes)];
  const { stdout } = await promisify(execFile)(process.execPath, [join(import.meta.dirname, 'run.cjs'), JSON.stringify(texts)], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  ({ generated, results } = JSON.parse(stdout) as { generated: Added; results: Added[] });
});

function mistakesIn(text: string | null): readonly unknown[] {
  return ts.transpileModule(text!, { reportDiagnostics: true, compilerOptions: { experimentalDecorators: true } }).diagnostics!;
}

/** The list of imports of each `@Module` of AppModule: undefined where it has none that can be read. */
function importsOf(file: ts.SourceFile): readonly (readonly string[] | undefined)[] {
  const found = file.statements.find((node): node is ts.ClassDeclaration => ts.isClassDeclaration(node) && node.name?.text === 'AppModule');
  const [decorator] = ts.getDecorators(found!)!;
  let [argument] = (decorator!.expression as ts.CallExpression).arguments;
  if (ts.isSatisfiesExpression(argument!)) argument = argument.expression;
  return (argument as ts.ObjectLiteralExpression).properties
    .filter((property) => property.name?.getText() === 'imports')
    .map((property) => (ts.isPropertyAssignment(property) ? listed(property.initializer) : undefined));
}

function listed(list: ts.Expression): readonly string[] | undefined {
  return ts.isArrayLiteralExpression(list) ? list.elements.map((element) => element.getText()) : undefined;
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
    const [has, missing, strange] = results.slice(names.length, names.length + 3);
    expect(has!.text).toBe(withIt);
    expect(missing).toMatchObject({ text: null, logged: expect.stringContaining('there is no src/app.module.ts') as string });
    expect(strange).toMatchObject({ text: 'export {};\n', logged: expect.stringContaining('found no @Module') as string });
  });

  it.each(Object.keys(shapes))('adds module and import once, or says that it cannot: %s', (shape) => {
    const { text, logged } = results[names.length + 3 + Object.keys(shapes).indexOf(shape)]!;
    expect(logged.includes('by hand')).toBe(unreadable.has(shape));
    if (unreadable.has(shape)) return expect(text).toBe(shapes[shape]);
    const file = ts.createSourceFile('app.module.ts', text!, ts.ScriptTarget.ES2022, true);
    expect(mistakesIn(text)).toEqual([]);
    expect(importsOf(file)).toEqual([expect.arrayContaining(['ResilienceModule.forRoot()'])]);
    const sources = file.statements.filter(ts.isImportDeclaration).map(({ moduleSpecifier }) => (moduleSpecifier as ts.StringLiteral).text);
    expect(sources).toContain('nestjs-bulwark');
    if (shape.includes('Windows')) expect(text).not.toMatch(/[^\r]\n/);
  });
});
