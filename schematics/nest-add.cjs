// `nest add nestjs-bulwark`: adds ResilienceModule.forRoot() to the application module, and says what to do next. It changes only
// what it has understood and, changed, has read again; of all else it says what to do by hand.
const { createRequire } = require('node:module');
const { join } = require('node:path');

const MODULE = 'ResilienceModule.forRoot()';
const PACKAGE = 'nestjs-bulwark';
const BY_HAND = `add ${MODULE} from '${PACKAGE}' to the imports of your root module by hand`;

const NEXT = `nestjs-bulwark is set up. Next:
  - put @Retry(), @CircuitBreaker(), @Timeout('2s'), ... from 'nestjs-bulwark' on methods of your providers
  - answer refusals without flooding the log: { provide: APP_FILTER, useClass: ResilienceExceptionFilter } from 'nestjs-bulwark/http'
  - show open circuits in readiness: ResilienceHealthModule from 'nestjs-bulwark/terminus'`;

exports.nestAdd =
  ({ sourceRoot = 'src' }) =>
  (tree, context) => {
    const path = `${sourceRoot}/app.module.ts`;
    const text = tree.read(path)?.toString('utf8');
    if (text === undefined) {
      context.logger.warn(`there is no ${path}: ${BY_HAND}`);
      return tree;
    }
    const { added, already, why } = addTo(text);
    if (already) context.logger.info(`${path} has ResilienceModule already`);
    else if (added === undefined) context.logger.warn(`${path}: ${why}: ${BY_HAND}`);
    else {
      tree.overwrite(path, added);
      context.logger.info(NEXT);
    }
    return tree;
  };

/** The compiler of the application, which every Nest application has. */
function findTypeScript() {
  for (const from of [join(process.cwd(), 'package.json'), __filename]) {
    try {
      return createRequire(from)('typescript');
    } catch {
      // Not there: the next place.
    }
  }
  return undefined;
}

function addTo(text) {
  const ts = findTypeScript();
  if (ts === undefined) return { why: 'there is no TypeScript to read it with' };
  const before = read(ts, text);
  if (before.why !== undefined) return before;
  if (before.isThere) return { already: true };
  const added = before.hasImport ? insertModule(text, before) : insertImport(insertModule(text, before), text, before);
  const after = read(ts, added);
  return after.why === undefined && after.isThere && after.hasImport ? { added } : { why: 'it is written in a way that is not known here' };
}

/** Where in a file the module belongs, or why that cannot be told. */
function read(ts, text) {
  const file = ts.createSourceFile('app.module.ts', text, ts.ScriptTarget.Latest, true);
  if (file.parseDiagnostics.length > 0) return { why: 'it has syntax errors' };
  const imports = file.statements.filter(ts.isImportDeclaration);
  const ours = imports.find(({ moduleSpecifier }) => moduleSpecifier.text === PACKAGE);
  const names = imports.flatMap((one) => namesOf(ts, one).map((name) => ({ name, one })));
  const named = names.find(({ name }) => name === 'ResilienceModule');
  if (named !== undefined && named.one !== ours) return { why: 'another ResilienceModule is imported' };
  const modules = file.statements.filter(ts.isClassDeclaration).flatMap((one) => {
    const call = (ts.getDecorators(one) ?? []).map(({ expression }) => expression).find((expression) => isModule(ts, expression));
    return call === undefined ? [] : [{ name: one.name?.text, call }];
  });
  const chosen = modules.length === 1 ? modules[0] : modules.find(({ name }) => name === 'AppModule');
  if (chosen === undefined)
    return { why: modules.length === 0 ? 'found no @Module({ ... })' : 'there are several modules, and none is AppModule' };
  const options = bare(ts, chosen.call.arguments[0]);
  if (options === undefined || !ts.isObjectLiteralExpression(options)) return { why: 'what @Module has is no { ... }' };
  if (options.properties.some(ts.isSpreadAssignment)) return { why: 'parts of @Module are from elsewhere' };
  const property = options.properties.find(({ name }) => name !== undefined && (name.text ?? name.getText(file)) === 'imports');
  const list = property !== undefined && ts.isPropertyAssignment(property) ? bare(ts, property.initializer) : undefined;
  if (property !== undefined && (list === undefined || !ts.isArrayLiteralExpression(list))) return { why: 'imports is no list [...]' };
  const isThere = list?.elements.some((element) => /^ResilienceModule\s*\.\s*forRoot(Async)?\s*\(/.test(element.getText(file))) ?? false;
  return { file, imports, hasImport: named !== undefined, options, list, isThere };
}

function isModule(ts, expression) {
  if (!ts.isCallExpression(expression)) return false;
  const { expression: called } = expression;
  return (ts.isIdentifier(called) ? called : called.name)?.text === 'Module';
}

function namesOf(ts, { importClause }) {
  const bindings = importClause?.namedBindings;
  const inBraces = bindings !== undefined && ts.isNamedImports(bindings) ? bindings.elements.map(({ name }) => name.text) : [];
  return [importClause?.name?.text, bindings?.name?.text, ...inBraces].filter((name) => name !== undefined);
}

/** Without brackets, `as` and `satisfies` around it. */
function bare(ts, node) {
  let inner = node;
  while (inner !== undefined && (ts.isParenthesizedExpression(inner) || ts.isAsExpression(inner) || ts.isSatisfiesExpression(inner))) {
    inner = inner.expression;
  }
  return inner;
}

function insertModule(text, { file, options, list }) {
  if (list === undefined) {
    const at = options.getStart(file) + 1;
    const end = options.properties.length === 0 ? newlineOf(text) : '';
    return `${text.slice(0, at)}${newlineOf(text)}  imports: [${MODULE}],${end}${text.slice(at)}`;
  }
  const [first] = list.elements;
  if (first === undefined) {
    const at = list.getStart(file) + 1;
    return `${text.slice(0, at)}${MODULE}${text.slice(at)}`;
  }
  const at = first.getStart(file);
  const [space] = /\s*$/.exec(text.slice(0, at));
  return `${text.slice(0, at)}${MODULE},${space.includes('\n') ? space : ' '}${text.slice(at)}`;
}

/** After the last line of imports. The module is added behind it, so places before it are as they were. */
function insertImport(added, text, { file, imports }) {
  const last = imports.at(-1);
  const quote = last?.moduleSpecifier.getText(file)[0] ?? "'";
  const end = last === undefined || text.slice(0, last.end).endsWith(';') ? ';' : '';
  const line = `import { ResilienceModule } from ${quote}${PACKAGE}${quote}${end}`;
  if (last === undefined) return `${line}${newlineOf(text)}${added}`;
  const lineEnd = added.indexOf('\n', last.end);
  return `${added.slice(0, lineEnd + 1)}${line}${newlineOf(text)}${added.slice(lineEnd + 1)}`;
}

function newlineOf(text) {
  return text.includes('\r\n') ? '\r\n' : '\n';
}
