// Runs the schematic as the Nest CLI does, outside of a test's sandbox: `node run.cjs <JSON>` prints what became of each text,
// and of an application that @nestjs/schematics generates.
const { join } = require('node:path');
const { Tree } = require('@angular-devkit/schematics');
const { SchematicTestRunner } = require('@angular-devkit/schematics/testing');

const PATH = '/src/app.module.ts';

async function add(tree) {
  const runner = new SchematicTestRunner('nestjs-bulwark', join(__dirname, '../../schematics/collection.json'));
  const logged = [];
  runner.logger.subscribe(({ message }) => logged.push(message));
  const result = await runner.runSchematic('nest-add', {}, tree);
  return { text: result.read(PATH)?.toString() ?? null, logged: logged.join('\n') };
}

async function main(texts) {
  const nest = new SchematicTestRunner('@nestjs/schematics', require.resolve('@nestjs/schematics/dist/collection.json'));
  const generated = await add(await nest.runSchematic('application', { name: 'shop', directory: '.' }));
  const results = [];
  for (const text of texts) {
    const tree = Tree.empty();
    if (text !== null) tree.create(PATH, text);
    results.push(await add(tree));
  }
  console.log(JSON.stringify({ generated, results }));
}

main(JSON.parse(process.argv[2])).catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
