import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dim } from './colours.js';
import { grid } from './report.js';
import { freePort } from './free-port.js';

/** What is asked at the end of each phase, of the breaker and of the operation. The window is that of a phase. */
const QUERIES: readonly (readonly [query: string, name: string])[] = [
  ['sum by (name) (circuit_breaker_state == 1)', 'payments'],
  ['rate(circuit_breaker_requests_successful[4s]) / rate(circuit_breaker_requests_total[4s])', 'payments'],
  ['sum by (name) (rate(circuit_breaker_requests_rejected[4s]))', 'payments'],
  ['sum by (name) (increase(circuit_breaker_state_transitions{to="open"}[4s]))', 'payments'],
  ['bulkhead_active_requests / bulkhead_max_concurrent', 'PaymentsClient.charge'],
  ['sum by (name) (rate(retry_attempts_total[4s]))', 'PaymentsClient.charge'],
  ['sum by (name) (rate(timeout_exceeded_total[4s]))', 'PaymentsClient.charge'],
  [
    'sum by (name) (rate(fallback_calls_total{outcome="served"}[4s])) / sum by (name) (rate(operation_calls_total[4s]))',
    'PaymentsClient.charge',
  ],
  ['histogram_quantile(0.99, sum by (le, name) (rate(operation_duration_seconds_bucket[4s])))', 'PaymentsClient.charge'],
];

interface Answer {
  readonly data: { readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[] };
}

/** A Prometheus beside the demo, for who has one: scrapes the shop each second, and is asked at the end. */
export class Prometheus {
  private readonly folder = mkdtempSync(join(tmpdir(), 'bulwark-demo-'));
  private readonly phases: { readonly name: string; readonly endedAt: number }[] = [];
  private child: ChildProcess | undefined;
  private url = '';

  async start(target: string): Promise<void> {
    const port = await freePort();
    this.url = `http://127.0.0.1:${port}`;
    const file = join(this.folder, 'prometheus.yml');
    const scrapes = [
      { job_name: 'shop', scrape_interval: '500ms', scrape_timeout: '500ms', static_configs: [{ targets: [new URL(target).host] }] },
    ];
    writeFileSync(file, JSON.stringify({ scrape_configs: scrapes })); // JSON is YAML
    const settings = [`--config.file=${file}`, `--storage.tsdb.path=${this.folder}/data`, `--web.listen-address=127.0.0.1:${port}`];
    this.child = spawn('prometheus', [...settings, '--log.level=error'], { stdio: 'inherit' });
    const failed = once(this.child, 'error').then(([error]) => Promise.reject(error as Error));
    await Promise.race([this.isReady(), failed]);
    failed.catch(() => undefined); // nobody waits for it any more
  }

  endPhase(name: string): void {
    this.phases.push({ name, endedAt: Date.now() / 1000 });
  }

  /** The answer to each query at the end of each phase. */
  async table(): Promise<string> {
    const rows: string[][] = [];
    for (const { name: phase, endedAt } of this.phases) {
      rows.push([phase, ...(await Promise.all(QUERIES.map(([query, name]) => this.ask(query, name, endedAt))))]);
    }
    const queries = QUERIES.map(([query], index) => `${index + 1}  ${query}`).join('\n');
    return `${grid(['phase', ...QUERIES.map((_query, index) => String(index + 1))], rows, 1)}\n${dim(queries)}`;
  }

  async stop(): Promise<void> {
    if (this.child !== undefined && this.child.exitCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      await exit;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }

  private async ask(query: string, name: string, time: number): Promise<string> {
    const response = await fetch(`${this.url}/api/v1/query?query=${encodeURIComponent(query)}&time=${time}`);
    const { data } = (await response.json()) as Answer;
    const value = data.result.find(({ metric }) => metric['name'] === name)?.value[1];
    return value === undefined ? '-' : String(Number(Number(value).toFixed(3)));
  }

  /** Has scraped the shop; the first time takes it some seconds. */
  private async isReady(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const response = await fetch(`${this.url}/api/v1/query?query=up`).catch(() => undefined);
      if (response?.ok === true && ((await response.json()) as Answer).data.result[0]?.value[1] === '1') return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('Prometheus does not scrape the shop');
  }
}
