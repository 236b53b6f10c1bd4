// Makes the tables and the charts of docs/performance.md from bench/results: `npm run bench:report`, `--check` compares only.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';

const PAGE = 'docs/performance.md';
const CHART = 'docs/performance.svg';
const SHARED_CHART = 'docs/performance-shared.svg';
const SHOWN = ['bulwark', 'bulwark-execute', 'cockatiel', 'opossum', 'mollitia', 'nestjs-resilience'];

const runs = readdirSync('bench/results')
  .filter((file) => file.startsWith('node'))
  .toSorted()
  .map((file) => JSON.parse(readFileSync(`bench/results/${file}`, 'utf8')));
const shared = JSON.parse(readFileSync('bench/results/redis.json', 'utf8'));
const limits = JSON.parse(readFileSync('bench/limits.json', 'utf8'));
const page = readFileSync(PAGE, 'utf8');
const made = [
  [
    PAGE,
    page
      .replace(/(<!-- tables -->\n)[^]*(<!-- end of tables -->)/, (_all, begin, end) => `${begin}\n${runs.map(tables).join('\n')}\n${end}`)
      .replace(/(<!-- shared -->\n)[^]*(<!-- end of shared -->)/, (_all, begin, end) => `${begin}\n${sharedTable(shared)}\n${end}`),
  ],
  [CHART, chart(runs.at(-1))],
  [SHARED_CHART, sharedChart(shared)],
];

if (process.argv.includes('--check')) {
  const stale = made.filter(([file, text]) => readFileSync(file, 'utf8') !== text).map(([file]) => file);
  if (stale.length > 0) {
    console.error(`✗ not made from bench/results: ${stale.join(', ')}; run npm run bench:report`);
    process.exit(1);
  }
} else for (const [file, text] of made) writeFileSync(file, text);

function tables({ node, cpu, references, results }) {
  const { B, L, J } = references;
  const scenarios = [...new Set(results.map(({ scenario }) => scenario))];
  const cell = (scenario, subject) => results.find((one) => one.scenario === scenario && one.subject === subject);
  const rows = scenarios.map((scenario) => {
    const ours = cell(scenario, 'bulwark');
    const [what, limit] =
      Object.entries(limits[node.slice(1).split('.')[0]]?.[scenario] ?? {}).find(([key]) => key.startsWith('ratio')) ?? [];
    const unit = { ratioToBare: 'B', ratioToLayer: 'L', ratioToRejection: 'J', ratioToMap: 'map', ratioToWithout: 'without' }[what];
    const ratio = what === undefined ? '' : `${ours[what]} ${unit} (${limit})`;
    const times = SHOWN.map((subject) => cell(scenario, subject)?.medianNs).map((ns) => (ns === undefined ? '' : show(ns)));
    return `| ${scenario} | ${ratio} | ${ours?.bytesPerOp ?? ''} | ${times.join(' | ')} |`;
  });
  return `### Node ${node.slice(1)}

${cpu}; B = ${B.toFixed(0)} ns, L = ${L.toFixed(0)} ns, J = ${J.toFixed(0)} ns.

| scenario | ratio (limit of \`--check\`) | bytes | ${SHOWN.map((subject) => `${subject}, ns`).join(' | ')} |
|---|---|---|${SHOWN.map(() => '---|').join('')}
${rows.join('\n')}
`;
}

function show(ns) {
  return ns < 10_000 ? ns.toFixed(0) : `${(ns / 1000).toFixed(0)}k`;
}

/** What state shared by Redis costs, beside a peer on the same client. */
function sharedTable({ node, cpu, redis, results, breaker, idle }) {
  const rows = results.map(
    ({ subject, keys, inFlight, perSecond, times, p50Ms, p99Ms, clientUs, serverUs }) =>
      `| ${keys} | ${inFlight} | ${subject} | ${perSecond} | ${times} | ${p50Ms} | ${p99Ms} | ${clientUs} | ${serverUs} |`,
  );
  return `${cpu}; Node ${node.slice(1)}, Redis ${redis}, ioredis, one process, server on the same machine.

| keys | in flight | limiter | decisions/s | times | p50, ms | p99, ms | CPU of the client, µs | CPU of the server, µs |
|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}

A call through a closed breaker: shared ${breaker.sharedNs} ns, local ${breaker.localNs} ns (${breaker.ratio} times). ${idle.breakers} shared breakers of ${idle.instances} instances
that nobody calls: ${idle.commandsPerSecond} commands a second in all.
`;
}

/** Bars for the decisions a second with 256 in flight, on a logarithmic scale. */
function sharedChart({ node, redis, results }) {
  const bars = results.filter(({ inFlight }) => inFlight === 256);
  const longest = Math.log10(Math.max(...bars.map(({ perSecond }) => perSecond)));
  const lines = bars.map(({ subject, keys, perSecond }, index) => {
    const y = 44 + index * 26;
    const width = Math.round((Math.log10(perSecond) / longest) * 260);
    const fill = subject === 'rate-limiter-flexible' ? '#9aa5a0' : '#2f6f4f';
    return [
      `  <text x="210" y="${y + 13}" text-anchor="end">${subject}, ${keys === 1 ? '1 key' : `${keys} keys`}</text>`,
      `  <rect x="220" y="${y}" width="${width}" height="18" rx="2" fill="${fill}"/>`,
      `  <text x="${226 + width}" y="${y + 13}">${perSecond}/s</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 ${56 + bars.length * 26}" font-family="system-ui, sans-serif" font-size="12" fill="#333">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="12" y="22" font-size="13" font-weight="600">Decisions a second of a limit on Redis ${redis}, 256 in flight (Node ${node.slice(1)}, log scale)</text>
${lines.join('\n')}
</svg>
`;
}

/** Bars for the call through all six, on a logarithmic scale: the peers are ten to hundreds of times apart. */
function chart({ node, results }) {
  const bars = results
    .filter(({ scenario, subject }) => scenario === 'all-six' && SHOWN.includes(subject))
    .toSorted((a, b) => a.medianNs - b.medianNs);
  const longest = Math.log10(bars.at(-1).medianNs);
  const lines = bars.map(({ subject, medianNs }, index) => {
    const y = 44 + index * 26;
    const width = Math.round((Math.log10(medianNs) / longest) * 330);
    const fill = subject.startsWith('bulwark') ? '#2f6f4f' : '#9aa5a0';
    return [
      `  <text x="140" y="${y + 13}" text-anchor="end">${subject}</text>`,
      `  <rect x="150" y="${y}" width="${width}" height="18" rx="2" fill="${fill}"/>`,
      `  <text x="${156 + width}" y="${y + 13}">${show(medianNs)} ns</text>`,
    ].join('\n');
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 580 ${56 + bars.length * 26}" font-family="system-ui, sans-serif" font-size="12" fill="#333">
  <rect width="100%" height="100%" fill="#fff"/>
  <text x="12" y="22" font-size="13" font-weight="600">One call through four to six policies, all well (Node ${node.slice(1)}, log scale)</text>
${lines.join('\n')}
</svg>
`;
}
