// Makes what is generated: the option tables (README.md and docs/reference/options.md), the reference of events and
// counters, and the report of the public API. `--check` compares instead, and fails where something is stale.
// Needs a build: the rules are read from dist, their meaning from the doc comments in src.
import { apiReport } from './api-report.mjs';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import ts from 'typescript';
import { alertingRules, dashboard, metricsPage, QUERIES, recordingRules, unknownNames } from './observability.mjs';

/**
 * Types that only check how a decorator is used, or that Nest makes: nothing a user would name. Every other type of ours that a
 * published declaration names can be imported.
 */
const UNNAMED_TYPES = new Set([
  'AnyClass',
  'AnyFunction',
  'AnyResult',
  'AnyValue',
  'Arguments',
  'ConfigurableModuleClass',
  'Fits',
  'FunctionFits',
  'LimitArguments',
  'NamedFits',
]);

const check = process.argv.includes('--check');
const stale = [];
const { kindTable } = await import(resolve('dist/esm/policies/index.js'));
const { KindTable } = await import(resolve('dist/esm/engine/contract/kind-table.js'));
const { objectSchema } = await import(resolve('dist/esm/options/index.js'));
const { DURATION_PATTERN } = await import(resolve('dist/esm/options/duration.js'));
const { createResilience } = await import(resolve('dist/esm/core.js'));
const { instrumentName } = await import(resolve('dist/esm/integrations/opentelemetry/instruments.js'));
const { operationTelemetry } = await import(resolve('dist/esm/engine/telemetry/operation.telemetry.js'));
const { storeTelemetry } = await import(resolve('dist/esm/policies/store.telemetry.js'));
const { redisStoreRules } = await import(resolve('dist/esm/integrations/redis/options.js'));
const metrics = createResilience().metricDeclarations();
const unknown = unknownNames(metrics);
if (unknown.length > 0) fail(`rules or queries name what no policy declares: ${unknown.join(', ')}`);
const folderOf = (kind) => kind.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const interfaceOf = (kind) => `${kind[0].toUpperCase()}${kind.slice(1)}Options`;

const policyFiles = kindTable.map(({ kind }) => resolve(`src/policies/${folderOf(kind)}/${folderOf(kind)}.policy.ts`));
const redisFile = resolve('src/integrations/redis/options.ts');
const config = ts.parseJsonConfigFileContent(ts.readConfigFile('tsconfig.json', ts.sys.readFile).config, ts.sys, '.');
const program = ts.createProgram([...policyFiles, redisFile], config.options);
const checker = program.getTypeChecker();

const tables = Object.fromEntries(kindTable.map((kind, index) => [kind.kind, optionTable(kind, policyFiles[index])]));
tables.redisStore = optionTable({ kind: 'redisStore', rules: redisStoreRules }, redisFile);
write('docs/reference/options.md', optionsPage());
write('docs/reference/events-and-counters.md', eventsPage());
write('docs/reference/metrics.md', metricsPage(metrics, instrumentName));
write('docs/observability/recording-rules.yml', recordingRules());
write('docs/observability/alerting-rules.yml', alertingRules());
write(
  'docs/observability/grafana-dashboard.json',
  dashboard(metrics, [
    ['operation', 'Operations'],
    ...kindTable.map(({ kind, label }) => [folderOf(kind).replaceAll('-', '_'), label]),
    [['store', 'shared_state'], 'Shared state'],
  ]),
);
write('docs/observability.md', withQueries(readFileSync('docs/observability.md', 'utf8')));
write('docs/reference/public-api.md', publicApi());
write('schema.json', configurationSchema());
for (const page of ['README.md', 'docs/fleet.md']) write(page, withTables(readFileSync(page, 'utf8')));

if (stale.length > 0) {
  console.error(`✗ stale: ${stale.join(', ')}; run npm run docs and look at what changed`);
  process.exit(1);
}

/** A file with the configuration, as an editor checks it: what is plain data of the options of `forRoot`. */
function configurationSchema() {
  const enabled = { type: 'boolean', description: 'False switches off what it is said of; fallbacks stay where all kinds are meant.' };
  const byKind = (make) => Object.fromEntries(kindTable.map((kind, index) => [kind.kind, make(kind, index)]));
  const override = (kind, index) => {
    const { properties, ...rest } = schemaOfKind(kind, index, 'name');
    return { anyOf: [{ type: 'boolean' }, { ...rest, properties: { enabled, ...properties } }] };
  };
  const { places } = new KindTable(kindTable);
  const durationSchema = {
    anyOf: [
      { type: 'number', minimum: 0 },
      { type: 'string', pattern: DURATION_PATTERN },
    ],
  };
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Configuration of nestjs-bulwark',
    type: 'object',
    properties: {
      $schema: { type: 'string' },
      enabled: { type: 'boolean', default: true, description: 'False leaves only fallbacks working.' },
      defaults: {
        type: 'object',
        description: 'Options by kind for all policies that do not say otherwise.',
        properties: byKind((kind, index) => schemaOfKind(kind, index, undefined)),
        additionalProperties: false,
      },
      overrides: {
        type: 'object',
        description: "Changes of declared policies by '*', class, policy name or Class.method.",
        additionalProperties: { type: 'object', properties: { enabled, ...byKind(override) }, additionalProperties: false },
      },
      order: {
        description: 'The order of layers, outermost first.',
        anyOf: [{ const: 'declared' }, { type: 'array', items: { enum: places }, uniqueItems: true }],
      },
      stackTraces: { type: 'boolean', default: false, description: "Give the library's own errors a stack trace." },
      drainTimeout: {
        ...durationSchema,
        default: '5s',
        description: 'How long a shutdown waits for those who wait for a permit, and for calls that run.',
      },
      logs: { type: 'boolean', default: true, description: 'Writes to the log what happens.' },
      unmanaged: { enum: ['warn', 'allow', 'throw'], default: 'warn', description: 'What happens on an instance that Nest did not make.' },
    },
    additionalProperties: false,
  };
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

/** The options of a kind, but for one. */
function schemaOfKind(kind, index, without) {
  const schema = objectSchema(kind.rules);
  const declarations = membersOf(policyFiles[index], interfaceOf(kind.kind));
  const properties = Object.entries(schema.properties)
    .filter(([option]) => option !== without)
    .map(([option, one]) => [option, { description: declarations.get(option).meaning, ...one }]);
  return { ...schema, properties: Object.fromEntries(properties) };
}

function optionTable(kind, file) {
  const declarations = membersOf(file, interfaceOf(kind.kind));
  const rows = Object.entries(kind.rules).map(([option, rule]) => {
    const { meaning, tag } = declarations.get(option) ?? fail(`${kind.kind}.${option} has a rule but no declaration`);
    if (meaning === '') fail(`${kind.kind}.${option} has no doc comment`);
    if (tag !== undefined) compareDefault(`${kind.kind}.${option}`, tag, rule);
    const shown = rule.defaultNote ?? (rule.default === undefined ? '' : `\`${literal(rule.default)}\``);
    return `| \`${option}\` | ${cell(shown === '' ? 'none' : shown)} | ${cell(meaning)} | ${cell(rule.expects)} |`;
  });
  for (const option of declarations.keys())
    if (!Object.hasOwn(kind.rules, option)) fail(`${kind.kind}.${option} is declared but has no rule`);
  return ['| option | default | meaning | must be |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Properties of an interface with what their doc comments say. */
function membersOf(file, name) {
  const source = program.getSourceFile(file);
  const declaration = source.statements.find((node) => ts.isInterfaceDeclaration(node) && node.name.text === name);
  const members = checker.getPropertiesOfType(checker.getTypeAtLocation(declaration));
  return new Map(
    members.map((symbol) => {
      const tag = symbol.getJsDocTags(checker).find(({ name: tagName }) => tagName === 'default');
      const meaning = ts.displayPartsToString(symbol.getDocumentationComment(checker)).replaceAll(/\s+/g, ' ').trim();
      return [symbol.name, { meaning, tag: tag === undefined ? undefined : ts.displayPartsToString(tag.text).trim() }];
    }),
  );
}

/** What a doc comment gives as the default must be what the rule says. */
function compareDefault(option, tag, rule) {
  const said = rule.default === undefined ? rule.defaultNote : literal(rule.default);
  if (tag !== said) fail(`${option}: the doc comment says @default ${tag}, the rule says ${said}`);
}

function literal(value) {
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value !== 'object') return String(value);
  return `{ ${Object.entries(value)
    .map(([key, inner]) => `${key}: ${literal(inner)}`)
    .join(', ')} }`;
}

function cell(text) {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}

function optionsPage() {
  const sections = kindTable.map(({ kind, label }) => `## ${label}\n\n\`@${label}(...)\`, \`policies.${kind}(...)\`\n\n${tables[kind]}`);
  return `# Options\n\nGenerated by \`npm run docs\` from the declarations in \`src/policies\`. Durations are milliseconds or strings like \`'10s'\`.\n\n${sections.join('\n\n')}\n`;
}

function eventRows({ events }) {
  return Object.entries(events)
    .map(([type, { when }]) => `| \`${type}\` | ${cell(when)} |`)
    .join('\n');
}

function eventsPage() {
  const sections = kindTable.map(({ label, telemetry }) => {
    const counters = telemetry.counters.map(({ name, meaning }) => `| \`${name}\` | ${cell(meaning)} |`);
    return `## ${label}\n\n| event | when |\n| --- | --- |\n${eventRows(telemetry)}\n\n| counter | what |\n| --- | --- |\n${counters.join('\n')}`;
  });
  return `# Events and counters

Generated by \`npm run docs\` from the \`.telemetry\` files. Every event has \`type\`, \`timestamp\` (milliseconds since 1970), \`operationId\` and, of a policy, \`policyName\`.
Beside the counters below, \`metrics()\` has \`operations\`, \`successes\`, \`failures\`, \`aborts\`, \`attempts\` and \`rejections\`.

## Operations

| event | when |
| --- | --- |
${eventRows(operationTelemetry)}

## Shared state

| event | when |
| --- | --- |
${eventRows(storeTelemetry)}

${sections.join('\n\n')}
`;
}

function publicApi() {
  const entries = Object.entries(JSON.parse(readFileSync('package.json', 'utf8')).exports)
    .filter(([entry]) => !entry.endsWith('.json'))
    .map(([entry, { import: built }]) => [`nestjs-bulwark${entry.slice(1)}`, resolve(built.types)]);
  const { text, leaks } = apiReport(entries, config.options);
  const unexpected = leaks.filter((leak) => !UNNAMED_TYPES.has(leak.split(' ').at(-1)));
  if (unexpected.length > 0) fail(`published types name what cannot be imported: ${unexpected.join(', ')}`);
  return `# Public API\n\nGenerated by \`npm run docs\` from the published types. A change of this file is a change of what users see.\n\n${text}\n`;
}

/** The queries, in the page about them. */
function withQueries(page) {
  const rows = QUERIES.map(([title, expr]) => `| ${title} | \`${cell(expr)}\` |`);
  const table = ['| question | query |', '| --- | --- |', ...rows].join('\n');
  return page.replace(/(<!-- queries -->\n)[^]*(\n<!-- \/queries -->)/, (_all, begin, end) => `${begin}\n${table}\n${end}`);
}

function withTables(readme) {
  return readme.replaceAll(
    /(<!-- options: (\w+) -->\n)[\s\S]*?(\n<!-- \/options -->)/g,
    (_whole, start, kind, end) => `${start}\n${tables[kind] ?? fail(`README asks for the options of ${kind}`)}\n${end}`,
  );
}

function write(file, text) {
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (check) stale.push(file);
  else {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(`  wrote ${file}`);
  }
}

function fail(message) {
  console.error(`✗ ${message}`);
  process.exit(1);
}
