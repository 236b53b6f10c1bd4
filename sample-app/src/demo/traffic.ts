import { Agent, request } from 'node:http';
import type { Side } from '../upstream/mode.js';

/** One answer, as a customer sees it. */
export interface Sample {
  readonly side: Side;
  /** HTTP status; 0 where there was none in time. */
  readonly status: number;
  readonly startedAt: number;
  readonly durationMs: number;
}

/** How long a customer waits before giving up. */
const PATIENCE_MS = 4000;

/** Steady traffic to one address: a request every so often, whether the others are answered or not. */
export class Traffic {
  private readonly agent = new Agent({ keepAlive: true });
  private timer: NodeJS.Timeout | undefined;
  private open = 0;

  constructor(
    private readonly side: Side,
    private readonly url: string,
    private readonly perSecond: number,
    private readonly report: (sample: Sample) => void,
  ) {}

  start(): void {
    this.timer = setInterval(() => this.send(), 1000 / this.perSecond);
  }

  /** Sends no more, and waits for the answers that are still to come. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    while (this.open > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    this.agent.destroy();
  }

  private send(): void {
    const startedAt = performance.now();
    let told = false;
    const tell = (status: number): void => {
      if (told) return;
      told = true;
      this.open--;
      this.report({ side: this.side, status, startedAt, durationMs: performance.now() - startedAt });
    };
    this.open++;
    const outgoing = request(
      this.url,
      { method: 'POST', agent: this.agent, headers: { 'content-type': 'application/json' } },
      (response) => {
        response.resume();
        response.on('end', () => tell(response.statusCode ?? 0));
        response.on('error', () => tell(0));
      },
    );
    outgoing.setTimeout(PATIENCE_MS, () => outgoing.destroy());
    outgoing.on('error', () => tell(0));
    outgoing.end('{"sku":"umbrella","amount":19}');
  }
}
