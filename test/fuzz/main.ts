import fc from 'fast-check';
import { byHand, playByHand, type ByHand } from './by-hand.js';
import { atRest } from './invariants.js';
import { scenario, type Scenario } from './scenario.js';
import { World } from './world.js';

/**
 * `npm run fuzz -- [--seconds N] [--seed S] [--path P] [--ignore REGEXP] [--skip REGEXP]`: random pipelines under random schedules, until the time is over or something that must
 * hold does not. Says what the smallest such schedule is, and how to have it again.
 */
const args = process.argv.slice(2);
const option = (name: string): string | undefined => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const seconds = Number(option('--seconds') ?? 20);
const seed = Number(option('--seed') ?? Math.floor(Math.random() * 2 ** 31));
const path = option('--path');
/** Looks past a problem that is known, for what is behind it. */
const ignored = option('--ignore');
/** Leaves schedules out whose JSON matches, for the same reason. */
const skipped = option('--skip');

const stray: unknown[] = [];
process.on('unhandledRejection', (error) => stray.push(error));
process.on('uncaughtException', (error) => stray.push(error));
// Nothing that is under way keeps a process alive while only promises and fake timers are.
const keepAlive = setInterval(() => undefined, 60_000);

async function runPipeline(plan: Scenario): Promise<readonly string[]> {
  const world = new World(plan);
  for (const step of plan.steps) await world.play(step);
  await world.finish();
  const problems = await atRest(world);
  void world.resilience.close();
  return problems;
}

async function run(plan: Scenario | ByHand): Promise<void> {
  const found = 'hooks' in plan ? await runPipeline(plan) : await playByHand(plan);
  const problems = [...found, ...stray.splice(0).map((error) => `unhandled: ${String(error)}`)];
  if (ignored !== undefined && problems.every((problem) => new RegExp(ignored).test(problem))) return;
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

let runs = 0;
console.log(`fuzz: seed ${seed}, ${seconds} s`);
const details = await fc.check(
  fc.asyncProperty(fc.oneof({ weight: 3, arbitrary: scenario }, { weight: 1, arbitrary: byHand }), async (plan) => {
    fc.pre(skipped === undefined || !new RegExp(skipped).test(JSON.stringify(plan)));
    runs++;
    await run(plan);
  }),
  {
    seed,
    numRuns: Number.MAX_SAFE_INTEGER,
    maxSkipsPerRun: 1000,
    interruptAfterTimeLimit: seconds * 1000,
    ...(path === undefined ? {} : { path }),
  },
);
clearInterval(keepAlive);
if (details.failed && details.counterexample !== null) {
  console.log(`✗ ${details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance)}`);
  console.log(`after ${details.numRuns} runs and ${details.numShrinks} steps to the smallest schedule that fails:`);
  console.log(JSON.stringify(details.counterexample[0], undefined, 1));
  console.log(`again: npm run fuzz -- --seed ${seed} --path ${details.counterexamplePath}`);
  process.exitCode = 1;
} else console.log(`fuzz: ${runs} schedules, all is well`);
