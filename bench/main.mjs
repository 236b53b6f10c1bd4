/**
 * `npm run bench`: each scenario, the library beside its peers, in interleaved rounds.
 *   --json FILE   writes the results
 *   --check       compares with limits.json, and fails where a limit is passed
 *   --only a,b    these scenarios
 *   --smoke       a few rounds of everything: it works, not how fast
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, median, ratio } from './measure.mjs';
import { consumed, mapped, source } from './observable.mjs';
import { REFERENCES } from './references.mjs';
import { SCENARIOS } from './scenarios.mjs';

const { values: flags } = parseArgs({
  options: { json: { type: 'string' }, check: { type: 'boolean' }, only: { type: 'string' }, smoke: { type: 'boolean' } },
});
const effort = flags.smoke === true ? { rounds: 3, size: 20, bytesOf: 20 } : { rounds: 25, batchMs: 4 };
const wanted = flags.only?.split(',');
// Time limits do not keep a process alive, so something must while they are waited for.
const alive = setInterval(() => undefined, 1000);

const files = readdirSync(new URL('subjects/', import.meta.url)).toSorted(
  (a, b) => Number(b.startsWith('bulwark')) - Number(a.startsWith('bulwark')),
);
// One after the other: a CommonJS peer cannot require a package that is just being imported.
const subjects = [];
for (const file of files) subjects.push((await import(new URL(`subjects/${file}`, import.meta.url))).default);
const results = [];
const references = { B: [], L: [], J: [] };

for (const scenario of SCENARIOS.filter(({ name }) => wanted === undefined || wanted.includes(name)))
  results.push(...(await run(scenario)));
if (flags.check === true) lookAgain();
clearInterval(alive);
report();
process.exit(flags.check === true && check() > 0 ? 1 : 0);

/** Whether a subject can do the work of a scenario: all of its layers where it is one, some where it is all. */
function canDo(subject, { name, layers, needs, occupy }) {
  if (needs !== undefined && !subject.has.includes(needs)) return false;
  if (occupy !== undefined && subject.has.includes('queue')) return false;
  const able = layers.filter((layer) => subject.layers.includes(layer)).length;
  return name.startsWith('all') ? able >= 4 : able === layers.length;
}

async function run(scenario) {
  const { name, layers, method, config, needs, without, prime = 0, occupy = 0 } = scenario;
  const isObservable = needs === 'observable';
  const entries = [...REFERENCES, ...(isObservable ? [{ name: 'map', call: mapped }] : [])];
  for (const subject of subjects.filter((one) => canDo(one, scenario))) {
    if (!subject.has.includes('queue')) await assertProtection(subject, scenario);
    const call = isObservable
      ? consumed(await subject.protectObservable(source, layers, config))
      : await subject.protect(method, layers, config);
    for (let count = 0; count < prime; count++) await quietly(call(count));
    for (let count = 0; count < occupy; count++) quietly(call(count)).catch(() => undefined);
    if (without !== undefined) entries.push({ name: 'without', call: await subject.protect(method, layers, without) });
    entries.push({ name: subject.name, call });
  }
  const measured = await measure(entries, effort);
  const found = [];
  const [B, L, J, map, off] = ['bare', 'layer', 'rejecting', 'map', 'without'].map((wantedName) =>
    measured.find((one) => one.name === wantedName),
  );
  references.B.push(B.medianNs);
  references.L.push(L.medianNs);
  references.J.push(J.medianNs);
  for (const entry of measured.slice(REFERENCES.length).filter(({ name: entryName }) => entryName !== 'without')) {
    found.push({
      subject: entry.name,
      scenario: name,
      medianNs: Math.round(entry.medianNs * 10) / 10,
      bytesPerOp: entry.bytesPerOp,
      ratioToBare: ratio(entry, B),
      ratioToLayer: ratio(entry, L),
      ratioToRejection: ratio(entry, J),
      ...(map === undefined ? {} : { ratioToMap: ratio(entry, map) }),
      ...(off === undefined ? {} : { ratioToWithout: ratio(entry, off) }),
    });
  }
  return found;
}

/**
 * A process may be off as a whole: V8 compiles the same code for better or worse, the reference too. What passes a limit is
 * measured in two more processes, and the median of the three counts.
 */
function lookAgain() {
  const late = [...new Set(compared().flatMap(({ good, name }) => (good ? [] : [name])))];
  if (late.length === 0) return;
  console.log(`\nmeasured in two more processes: ${late.join(', ')}`);
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-bench-'));
  const passes = [1, 2].map((pass) => {
    const file = join(folder, `${pass}.json`);
    execFileSync(process.execPath, [...process.execArgv, process.argv[1], '--only', late.join(','), '--json', file], { stdio: 'ignore' });
    return JSON.parse(readFileSync(file, 'utf8')).results;
  });
  rmSync(folder, { recursive: true });
  for (const first of results.filter(({ scenario }) => late.includes(scenario))) {
    const others = passes.map((pass) => pass.find(({ scenario, subject }) => scenario === first.scenario && subject === first.subject));
    for (const [field, value] of Object.entries(first)) {
      if (typeof value === 'number') first[field] = median([value, ...others.map((other) => other[field])]);
    }
  }
}

/** Nobody wins by doing nothing. */
async function assertProtection(subject, { name, layers, config, check: assertIt }) {
  try {
    await assertIt(subject, layers, config);
  } catch (error) {
    throw new Error(`${subject.name} in ${name}: ${error.message}`, { cause: error });
  }
}

async function quietly(promise) {
  try {
    await promise;
  } catch {
    // Rejections are part of the way to the state that is measured.
  }
}

function report() {
  let last;
  for (const {
    subject,
    scenario,
    medianNs,
    bytesPerOp,
    ratioToBare,
    ratioToLayer,
    ratioToRejection,
    ratioToMap,
    ratioToWithout,
  } of results) {
    if (scenario !== last) console.log(`\n${scenario}`);
    last = scenario;
    const extra = ratioToMap !== undefined ? `  ${ratioToMap} map` : ratioToWithout !== undefined ? `  ${ratioToWithout} without` : '';
    console.log(
      `  ${subject.padEnd(22)} ${medianNs.toFixed(0).padStart(7)} ns ${String(bytesPerOp).padStart(6)} B  ${ratioToBare} B  ${ratioToLayer} L  ${ratioToRejection} J${extra}`,
    );
  }
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(summary(), undefined, 2)}\n`);
}

function summary() {
  return {
    node: process.version,
    cpu: cpus()[0].model,
    references: { B: median(references.B), L: median(references.L), J: median(references.J) },
    results,
  };
}

/** Says every limit with what was measured; gives how many are passed. */
function check() {
  console.log('');
  const all = compared();
  for (const { name, what, actual, limit, good, bound } of all)
    console.log(`${good ? '✓' : '✗'} ${name} ${what}: ${actual} (${bound} ${limit})`);
  return all.filter(({ good }) => !good).length;
}

/** What was measured beside the limits of the newest major that is not newer than this Node. */
function compared() {
  const byMajor = JSON.parse(readFileSync(new URL('limits.json', import.meta.url), 'utf8'));
  const major = Object.keys(byMajor).findLast((one) => Number(one) <= Number.parseInt(process.versions.node, 10));
  return Object.entries(byMajor[major]).flatMap(([name, { timesFaster = {}, ...bounds }]) => {
    const of = (subject) => results.find((one) => one.subject === subject && one.scenario === name);
    const ours = of('bulwark');
    if (ours === undefined) return [];
    const atMost = Object.entries(bounds).map(([what, limit]) => ({
      name,
      what,
      actual: ours[what],
      limit,
      good: ours[what] <= limit,
      bound: 'at most',
    }));
    const atLeast = Object.entries(timesFaster).map(([peer, limit]) => {
      const actual = Math.round(of(peer).medianNs / ours.medianNs);
      return { name, what: `times faster than ${peer}`, actual, limit, good: actual >= limit, bound: 'at least' };
    });
    return atMost.concat(atLeast);
  });
}
