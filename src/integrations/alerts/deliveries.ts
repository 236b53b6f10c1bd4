import type { ResilienceLogger } from '../../engine/telemetry/logger.js';
import type { Clock } from '../../core.js';
import type { TimerHandle } from '../../engine/clock.js';
import { escapeText } from '../../options/index.js';
import type { Alert, AlertChannel } from './alert.js';

/** Of what does not reach a channel one line comes in a while. */
const LINE_EVERY_MS = 10_000;

/** A shutdown waits for a channel so long at most. */
const CLOSE_MS = 30_000;

/** What was said of a channel, and what was not. */
interface Complaints {
  saidAt: number;
  unsaid: number;
}

/** Hands alerts to channels. One that throws, rejects or never answers is told of in the log, and keeps nobody else waiting. */
export class Deliveries {
  private readonly complaints = new Map<AlertChannel, Complaints>();
  private closed: Promise<unknown> | undefined;

  constructor(
    private readonly channels: readonly AlertChannel[],
    private readonly clock: Clock,
    private readonly logger: Pick<ResilienceLogger, 'warn'>,
  ) {}

  tell(alert: Alert): void {
    for (const channel of this.channels) {
      attempt(() => channel.send(alert)).catch((error: unknown) => this.complain(channel, alert, error));
    }
  }

  close(): Promise<unknown> {
    return (this.closed ??= Promise.all(this.channels.map((channel) => this.closeOne(channel))));
  }

  private async closeOne(channel: AlertChannel): Promise<void> {
    let timer: TimerHandle;
    const late = new Promise<never>((_resolve, reject) => {
      timer = this.clock.setTimer(() => reject(new Error('it took too long')), CLOSE_MS, true);
    });
    try {
      await Promise.race([attempt(() => channel.close?.()), late]);
    } catch (error) {
      this.logger.warn(`alert channel ${nameOf(channel)} was not closed: ${textOf(error)}`);
    } finally {
      this.clock.clearTimer(timer);
    }
  }

  private complain(channel: AlertChannel, { rule, status }: Alert, error: unknown): void {
    const now = this.clock.now();
    const said = this.complaints.get(channel) ?? { saidAt: Number.NEGATIVE_INFINITY, unsaid: 0 };
    this.complaints.set(channel, said);
    if (now - said.saidAt < LINE_EVERY_MS) {
      said.unsaid++;
      return;
    }
    const others = said.unsaid === 0 ? '' : ` (nor did ${said.unsaid} before it)`;
    Object.assign(said, { saidAt: now, unsaid: 0 });
    this.logger.warn(`${escapeText(rule)} ${status} did not reach ${nameOf(channel)}${others}: ${textOf(error)}`);
  }
}

/** Starts at once; what is thrown is a rejection. */
function attempt(work: () => unknown): Promise<unknown> {
  return new Promise((resolve) => resolve(work()));
}

/** What cannot be read must not become an error of its own: nobody would handle that one. */
function textOf(error: unknown): string {
  try {
    return escapeText(error instanceof Error ? error.message : String(error));
  } catch {
    return 'an error that cannot be read';
  }
}

function nameOf(channel: AlertChannel): string {
  try {
    return escapeText(channel.name);
  } catch {
    return '(a name that cannot be read)';
  }
}
