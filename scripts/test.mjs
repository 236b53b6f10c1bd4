// All tests, the quick ones first. `npm run test:unit` runs the specs alone.
import { mkdirSync, readFileSync } from 'node:fs';
import { nodeOfMajor } from './other-node.mjs';
import { elapsed, run } from './run.mjs';

const jest = ['node', '--experimental-vm-modules', '--disable-warning=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];

/** Ends what hangs; the specs take some minutes. */
const LONGEST_MS = 1_800_000;

/** What the second Node is spared: there the time goes into servers, processes and random schedules, and not into what a Node does. */
const ONCE = [
  '/node_modules/',
  'test/consumers/',
  'test/(architecture|conformance|e2e|fleet|properties|shared|support)/',
  'test/integrations/redis/(circuits|faults|limits)',
  'test/options/hostile-values',
];

const RULES = ['docs/observability/recording-rules.yml', 'docs/observability/alerting-rules.yml'];

run('types', ['tsc', '-p', 'test/tsconfig.json']);
// Before the linter: the sample app is read with the types of the built package.
run('build', ['node', 'scripts/build.mjs']);
run('lint', ['oxlint', '--type-aware', 'src', 'test', 'sample-app/src', 'scripts', 'bench']);
run('format', ['prettier', '--check', '--log-level=warn', '.']);
run('generated docs and the report of the public API are fresh', ['node', 'scripts/docs.mjs', '--check']);
run('the figures of the docs are those of bench/results', ['node', 'scripts/bench-report.mjs', '--check']);
run('code blocks of the docs compile', ['node', 'scripts/check-snippets.mjs']);
run('promtool: the rules are right', ['promtool', 'check', 'rules', ...RULES], { stdio: ['ignore', 'ignore', 'inherit'] });
run('promtool: the rules fire', ['promtool', 'test', 'rules', 'test/observability/rules.test.yml']);
mkdirSync('.cache', { recursive: true });
const report = '.cache/specs.json';
run('specs', [...jest, '--json', `--outputFile=${report}`, ...process.argv.slice(2)], {
  stdio: ['ignore', 'ignore', 'inherit'],
  // A handle that a test leaves open keeps Jest from ending: that fails the run too.
  timeout: LONGEST_MS,
});
// The newest long-term Node beside the one in use.
const newer = nodeOfMajor(24);
if (newer !== process.execPath) {
  const spared = ONCE.map((path) => `--testPathIgnorePatterns=${path}`);
  // Patterns first: `--reporters` takes all words that follow it.
  const command = [newer, ...jest.slice(1), ...process.argv.slice(2), '--silent', '--reporters=summary', ...spared];
  run('specs under Node 24', command, { timeout: LONGEST_MS });
}
// Random pipelines under random schedules; says its seed, with which a failure can be had again.
run('fuzz', ['node', 'scripts/fuzz.mjs', '--seconds', '20'], { timeout: LONGEST_MS });
run('the bench works (not how fast)', ['node', 'scripts/bench.mjs', '--smoke'], { stdio: ['ignore', 'ignore', 'inherit'] });
run('the bench of shared state works', ['node', 'scripts/bench.mjs', '--redis', '--smoke'], { stdio: ['ignore', 'ignore', 'inherit'] });
run('package', ['node', 'scripts/check-package.mjs']);
console.log(`▸ all is well (${elapsed()})`);
const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8'));
console.log(`${numPassedTests} passed, ${numFailedTests} failed`);
