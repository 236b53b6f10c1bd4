// `nest add nestjs-bulwark`: adds ResilienceModule.forRoot() to the application module, and says what to do next.

const MODULE = 'ResilienceModule.forRoot()';

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
      context.logger.warn(`there is no ${path}: add ${MODULE} to the imports of your root module by hand`);
      return tree;
    }
    if (/\bResilienceModule\b/.test(text)) {
      context.logger.info(`${path} has ResilienceModule already`);
      return tree;
    }
    const withModule = addModule(text);
    if (withModule === undefined) {
      context.logger.warn(`found no @Module({ ... }) in ${path}: add ${MODULE} to the imports of your root module by hand`);
      return tree;
    }
    tree.overwrite(path, addImport(withModule));
    context.logger.info(NEXT);
    return tree;
  };

/** Into the list of imports of the first module, or a list of its own. */
function addModule(text) {
  const decorator = /@Module\(\{/.exec(text);
  if (decorator === null) return undefined;
  const at = decorator.index + decorator[0].length;
  const list = /^([^]*?\bimports:\s*\[)(\s*)(\]?)/.exec(text.slice(at));
  if (list === null) return `${text.slice(0, at)}\n  imports: [${MODULE}],${text.slice(at)}`;
  const [all, before, space, end] = list;
  const inside = end === ']' ? `${MODULE}]` : `${space}${MODULE},${space === '' ? ' ' : space}`;
  return `${text.slice(0, at)}${before}${inside}${text.slice(at + all.length)}`;
}

function addImport(text) {
  const line = "import { ResilienceModule } from 'nestjs-bulwark';\n";
  const imports = [...text.matchAll(/^import [^;]*;\n/gm)];
  const last = imports.at(-1);
  const at = last === undefined ? 0 : last.index + last[0].length;
  return `${text.slice(0, at)}${line}${text.slice(at)}`;
}
