import { fork, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../support/free-port.js';

/** The queries of the page, by the question that they answer. */
const page = readFileSync('docs/observability.md', 'utf8');
const [, table] = /<!-- queries -->\n([^]*)<!-- \/queries -->/.exec(page)!;
const queries = [...table!.matchAll(/^\| (.+?) \| `(.+)` \|$/gm)].map(
  ([, title, query]) => [title!, query!.replaceAll('\\|', '|')] as const,
);

interface Answer {
  readonly status: string;
  readonly data: { readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[] };
}

const started: ChildProcess[] = [];

/** A program of the sample app. */
async function program(file: string, env: Record<string, string>): Promise<string> {
  const child = fork(resolve('sample-app/dist', file), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  });
  started.push(child);
  const [{ url }] = (await once(child, 'message')) as [{ url: string }];
  return url;
}

const pause = (milliseconds: number): Promise<void> => new Promise((done) => setTimeout(done, milliseconds));

describe('a real Prometheus that scrapes the running sample app', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-prometheus-'));
  let prometheus: string;
  let shop: string;
  let provider: string;
  const over = new AbortController();

  beforeAll(async () => {
    if (spawnSync('prometheus', ['--version']).status !== 0) throw new Error('prometheus is missing; npm run setup says how to get it');
    provider = await program('upstream/main.js', {});
    shop = await program('main.js', { PROVIDER_URL: provider, SHOP_LOG: 'off' });
    const port = await freePort();
    prometheus = `http://127.0.0.1:${port}`;
    const rules = ['recording-rules.yml', 'alerting-rules.yml'].map((file) => resolve('docs/observability', file));
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '500ms' },
      rule_files: rules,
      scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [new URL(shop).host] }] }],
    };
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config)); // JSON is YAML
    const args = [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    started.push(spawn('prometheus', [...args, '--log.level=error'], { stdio: 'inherit' }));
    await until(() =>
      fetch(`${prometheus}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    );
  });

  afterAll(async () => {
    over.abort();
    for (const child of started.toReversed()) {
      const exit = once(child, 'exit');
      child.kill('SIGTERM');
      await exit;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  async function ask(query: string): Promise<Record<string, number>> {
    const { status, data } = (await (await fetch(`${prometheus}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as Answer;
    expect([query, status]).toEqual([query, 'success']);
    return Object.fromEntries(data.result.map(({ metric, value }) => [metric['name'] ?? '', Number(value[1])]));
  }

  /** The alerts that fire or are about to. */
  async function alerts(): Promise<string[]> {
    const { data } = (await (await fetch(`${prometheus}/api/v1/alerts`)).json()) as {
      data: { alerts: { labels: Record<string, string> }[] };
    };
    return data.alerts.map(({ labels }) => `${labels['alertname']} ${labels['name']}`);
  }

  const queryOf = (title: string): string => queries.find(([one]) => one === title)![1];
  const order = async (count: number): Promise<number[]> =>
    Promise.all(Array.from({ length: count }, async () => (await fetch(`${shop}/orders`, { method: 'POST' })).status));
  const become = (mode: string) => fetch(`${provider}/mode`, { method: 'POST', body: JSON.stringify({ mode }) });

  /** Waits as long as Jest lets it. */
  async function until(isSo: () => Promise<boolean>): Promise<void> {
    while (!over.signal.aborted && !(await isSo())) await pause(100);
  }

  /** Asks again and again, as scrapes take their time, until the answer for a name is what is waited for; meanwhile there are orders. */
  async function sees(title: string, name: string, isRight: (value: number | undefined) => boolean, orders = 0): Promise<void> {
    await until(async () => {
      if (orders > 0) await order(orders);
      return isRight((await ask(queryOf(title)))[name]);
    });
  }

  it('answers the queries of the page through an outage and the recovery', async () => {
    // More at a time than the bulkhead has places, so that some wait.
    await sees('Success rate', 'payments', (rate) => rate === 1, 40);
    await sees('Open breakers', 'payments', (open) => open === undefined);
    await sees('Bulkhead utilisation', 'PaymentsClient.charge', (share) => share !== undefined && share >= 0 && share <= 1);
    await sees('Mean queue time', 'PaymentsClient.charge', (seconds) => seconds !== undefined && seconds > 0, 40);

    await become('refusing');
    await sees('Open breakers', 'payments', (open) => open === 1, 10);
    await sees('Success rate', 'payments', (rate) => rate! < 1, 10);
    await sees('Rejections per second', 'payments', (rate) => rate! > 0, 10);
    await sees('Share of calls answered by a fallback', 'PaymentsClient.charge', (share) => share! > 0, 10);
    await until(async () => (await alerts()).includes('CircuitBreakerOpen payments'));

    await become('healthy');
    await sees('Open breakers', 'payments', (open) => open === undefined, 5);
    await sees('Mean time to recover', 'payments', (seconds) => seconds! > 0.5, 5);
  });

  it.each(queries)('understands the query for: %s', async (_title, query) => {
    await ask(query);
  });

  it('understands every panel of the dashboard', async () => {
    const { panels } = JSON.parse(readFileSync('docs/observability/grafana-dashboard.json', 'utf8')) as {
      panels: { title: string; targets?: { expr: string }[] }[];
    };
    const asked = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
    expect(asked.length).toBeGreaterThan(queries.length + 25);
    for (const expr of asked) await ask(expr.replaceAll('$name', '.*').replaceAll('$__rate_interval', '1m'));
  });

  it('finds all rules good', async () => {
    const { data } = (await (await fetch(`${prometheus}/api/v1/rules`)).json()) as {
      data: { groups: { name: string; rules: { health: string; name: string }[] }[] };
    };
    const bad = data.groups.flatMap(({ rules }) => rules).filter(({ health }) => health !== 'ok');
    expect(bad.map(({ name }) => name)).toEqual([]);
    expect(data.groups.flatMap(({ rules }) => rules)).toHaveLength(21);
  });
});
