import { MetricsWatch } from './metrics.js';
import { PHASES, PhaseResult, type Phase } from './phases.js';
import { Program, setMode } from './processes.js';
import { Prometheus } from './prometheus.js';
import { dim } from './colours.js';
import { FleetDemo } from './fleet/fleet-demo.js';
import { headline, phaseTable, type Queue } from './report.js';
import { Traffic, type Sample } from './traffic.js';
import { View } from './view.js';

/**
 * The main job: a shop under steady traffic while its provider slows down, fails, refuses, hangs, dies and comes back.
 * Ends with 1 where an answer of the protected side was neither a success nor a served fallback.
 */
const PER_SECOND = 40;
/** Where the demo's own timers are later than this in all, the machine had more to do than the demo. */
const BUSY_MS = 2000;

const provider = new Program('../upstream/main.js', {});
const shop = new Program('../main.js', { SHOP_LOG: 'off' });

/** `--prometheus`: a real one watches, where it is installed. */
const prometheus = process.argv.includes('--prometheus') ? new Prometheus() : undefined;

/** `--instances 3`: as many shops behind one Redis. */
const instancesAt = process.argv.indexOf('--instances');
const fleet = instancesAt === -1 ? undefined : new FleetDemo(instancesOf(process.argv[instancesAt + 1]));

async function stopAll(): Promise<void> {
  await Promise.all([shop.stop('SIGTERM'), provider.stop('SIGKILL'), prometheus?.stop(), fleet?.stop()]);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    console.log('\nstopped; ending what was started');
    stopAll().then(
      () => process.exit(130),
      () => process.exit(1),
    );
  });
}

async function startAll(): Promise<void> {
  await provider.start();
  await shop.start({ PROVIDER_URL: provider.url });
  await prometheus?.start(shop.url);
}

async function breakerStates(): Promise<string> {
  try {
    const response = await fetch(`${shop.url}/health/ready`);
    const { details } = (await response.json()) as { details: { breakers: Record<string, { state?: string }> } };
    const states = Object.entries(details.breakers).flatMap(([name, { state }]) => (state === undefined ? [] : [`${name} ${state}`]));
    return `${states.join(', ')}; /health/ready says ${response.status}`;
  } catch (error) {
    return `readiness did not answer: ${String(error)}`;
  }
}

/** Makes the provider behave as the phase says; gives the calls that reached it in the phase before. */
async function enter(phase: Phase, before: Phase | undefined): Promise<Record<'protected' | 'unprotected', number>> {
  if (before?.mode === 'killed') {
    await provider.start();
    return { protected: 0, unprotected: 0 };
  }
  const calls = await setMode(provider, phase.mode === 'killed' ? 'healthy' : phase.mode);
  if (phase.mode === 'killed') await provider.stop('SIGKILL');
  return calls;
}

async function demo(): Promise<number> {
  const view = new View(PER_SECOND);
  const total = PHASES.reduce((sum, { seconds }) => sum + seconds, 0);
  view.say(`A shop and its payment provider, ${total} seconds. ${PER_SECOND} orders a second go through the
protected half of the shop, and as many through the unprotected one.\n`);
  const results: PhaseResult[] = [];
  // An order belongs to the phase in which it was placed, however late its answer comes.
  const report = (sample: Sample): void => {
    results.findLast(({ side, beganAt }) => side === sample.side && beganAt <= sample.startedAt)?.samples.push(sample);
  };
  const traffic = [
    new Traffic('protected', `${shop.url}/orders`, PER_SECOND, report),
    new Traffic('unprotected', `${shop.url}/unprotected/orders`, PER_SECOND, report),
  ];
  // What is compiled at the first call is not what is measured.
  for (const path of ['orders', 'unprotected/orders']) await fetch(`${shop.url}/${path}`, { method: 'POST' });
  let lateMs = 0;
  const watch = new MetricsWatch(`${shop.url}/metrics`);
  await watch.read();
  const started = performance.now();
  const close = (calls: Record<'protected' | 'unprotected', number>): void => {
    for (const result of results.slice(-2)) result.callsToProvider = calls[result.side];
  };
  for (const [index, phase] of PHASES.entries()) {
    const calls = await enter(phase, PHASES[index - 1]);
    if (index > 0) close(calls);
    const current = [new PhaseResult(phase, 'protected', performance.now()), new PhaseResult(phase, 'unprotected', performance.now())];
    results.push(...current);
    if (index === 0) traffic.forEach((one) => one.start());
    for (let second = 0; second < phase.seconds; second++) {
      const before = performance.now();
      await new Promise((resolve) => setTimeout(resolve, 1000));
      lateMs += performance.now() - before - 1000;
      await watch.read();
      view.show((performance.now() - started) / 1000, total, current, await breakerStates());
    }
    watch.endPhase(phase.name);
    prometheus?.endPhase(phase.name);
  }
  close(await setMode(provider, 'healthy'));
  await Promise.all(traffic.map((one) => one.stop()));
  const queue = await workedOff();
  view.say(`\n${phaseTable(results)}\n`);
  view.say(`The same outage from /metrics alone, the breaker "payments":\n\n${watch.table()}\n`);
  if (prometheus !== undefined) view.say(`As Prometheus answers at the end of each phase:\n\n${await prometheus.table()}\n`);
  if (shop.trace !== undefined) view.say(`One order that was tried three times, as its trace has it:\n\n${shop.trace}\n`);
  if (lateMs > BUSY_MS)
    view.say(dim(`This machine was busy: ${(lateMs / 1000).toFixed(0)} s late in all, so answers came late on both sides.\n`));
  view.say(headline(results, queue));
  const lost = results.filter(({ side }) => side === 'protected').reduce((sum, result) => sum + result.lost, 0);
  return lost + queue.waiting === 0 ? 0 : 1;
}

/** Waits until the orders of the queue are paid, which takes some seconds; what is left after many has stayed behind. */
async function workedOff(): Promise<Queue> {
  let queue: Queue;
  let tries = 0;
  do {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, 200));
    queue = (await (await fetch(`${shop.url}/orders/queued`)).json()) as Queue;
  } while (queue.waiting > 0 && ++tries < 150);
  return queue;
}

async function serve(): Promise<void> {
  console.log(`The shop and its provider stay up until Ctrl-C. Try:

  curl -i -X POST ${shop.url}/orders
  curl -i -X POST ${shop.url}/unprotected/orders
  curl -s ${shop.url}/orders/queued
  curl -s ${shop.url}/health/ready
  curl -s ${shop.url}/metrics
  curl -X POST ${provider.url}/mode -d '{"mode":"hanging"}'

${dim('The modes of the provider: healthy, slow, failing, refusing, hanging.')}
`);
}

/** Ends with a word on it where it is no number of shops. */
function instancesOf(given = ''): number {
  const instances = Number(given);
  if (!Number.isInteger(instances) || instances < 2 || instances > 8) {
    console.error(`--instances must be a number from 2 to 8, got ${JSON.stringify(given)}`);
    process.exit(2);
  }
  return instances;
}

if (fleet === undefined) await startAll();
if (process.argv.includes('--serve')) await serve();
else {
  const code = await (fleet?.run() ?? demo());
  await stopAll();
  process.exitCode = code;
}
