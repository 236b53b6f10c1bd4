import { dim } from './colours.js';
import { grid } from './report.js';

/** The value of each series of a scrape, by name and labels as they are written. */
type Scrape = ReadonlyMap<string, number>;

const STATES = ['closed', 'open', 'half', 'forced-open', 'disabled', 'metrics-only'];

/** What is told of each phase: a heading, and the counters whose growth it is. */
const COLUMNS: readonly (readonly [heading: string, counters: RegExp])[] = [
  ['ok', /^circuit_breaker_requests_successful\{name="payments"\}/],
  ['fail', /^circuit_breaker_requests_failed\{name="payments"\}/],
  ['rejected', /^circuit_breaker_requests_rejected\{name="payments"\}/],
  ['retry', /^retry_attempts_total\{name="PaymentsClient.charge"/],
  ['timeout', /^timeout_exceeded_total\{name="PaymentsClient.charge"/],
  ['fallback', /^fallback_calls_total\{name="PaymentsClient.charge".*outcome="served"/],
];

const LEGEND = `breaker: the states that it was seen in, once a second. ok, fail, rejected:
calls by its verdict. retry, timeout, fallback: what charge() needed.`;

/** Follows the shop by its metrics, as an operator would who sees nothing else. */
export class MetricsWatch {
  private latest: Scrape = new Map();
  private atBegin: Scrape | undefined;
  private states: number[] = [];
  private readonly rows: string[][] = [];

  constructor(private readonly url: string) {}

  async read(): Promise<void> {
    const text = await (await fetch(this.url)).text();
    const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    this.latest = new Map(
      lines.map((line) => {
        const end = line.lastIndexOf(' ');
        return [line.slice(0, end), Number(line.slice(end + 1))];
      }),
    );
    this.atBegin ??= this.latest;
    this.states.push(this.latest.get('circuit_breaker_state{name="payments"}') ?? 0);
  }

  endPhase(name: string): void {
    const seen = [...new Set(this.states.map((state) => STATES[state]!))];
    const grown = COLUMNS.map(([, counters]) => String(sum(this.latest, counters) - sum(this.atBegin!, counters)));
    this.rows.push([name, seen.join(' '), ...grown]);
    this.atBegin = this.latest;
    this.states = this.states.slice(-1);
  }

  table(): string {
    return `${grid(['phase', 'breaker', ...COLUMNS.map(([heading]) => heading)], this.rows, 2)}\n${dim(LEGEND)}`;
  }
}

function sum(scrape: Scrape, counters: RegExp): number {
  return [...scrape].filter(([series]) => counters.test(series)).reduce((total, [, value]) => total + value, 0);
}
