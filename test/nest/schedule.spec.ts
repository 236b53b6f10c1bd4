import { ConsoleLogger, Injectable } from '@nestjs/common';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { Bulkhead, BulkheadFullError, policies, Resilience } from '../../src/index.js';
import { closeAll, start } from '../support/nest.js';

afterEach(closeAll);

const SkipWhileRunning = () =>
  Resilience(policies.combine(policies.bulkhead(1), policies.fallback({ value: undefined, on: BulkheadFullError })));

/** The scheduler starts a job, and hears of its end, in later turns of the promises. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('a cron job that is due while it still runs', () => {
  let finish: () => void;
  let runs = 0;

  class Jobs {
    @Cron('0 0 1 1 *', { name: 'quiet' })
    @SkipWhileRunning()
    async quiet(): Promise<void> {
      runs++;
      await new Promise<void>((resolve) => (finish = resolve));
    }

    @Cron('0 0 1 1 *', { name: 'failing' })
    @SkipWhileRunning()
    async failing(): Promise<void> {
      throw new Error('the job is broken');
    }

    @Cron('0 0 1 1 *', { name: 'loud' })
    @Bulkhead(1)
    async loud(): Promise<void> {
      await new Promise<void>((resolve) => (finish = resolve));
    }
  }
  Injectable()(Jobs);

  class Log extends ConsoleLogger {
    readonly errors: string[] = [];
    override error(error: unknown): void {
      this.errors.push(error instanceof Error ? error.message : String(error));
    }
    override log(): void {}
    override warn(): void {}
    override debug(): void {}
  }

  it('is skipped without a word, runs again when it has ended, and its own errors are told', async () => {
    const log = new Log();
    const app = await start({ imports: [ScheduleModule.forRoot()], providers: [Jobs] }, {}, undefined, log);
    const job = (name: string) => app.get(SchedulerRegistry).getCronJob(name);
    const first = job('quiet').fireOnTick();
    await settled();
    await job('quiet').fireOnTick();
    await job('quiet').fireOnTick();
    await settled();
    expect([runs, log.errors]).toEqual([1, []]);
    finish();
    await first;
    await settled();
    const second = job('quiet').fireOnTick();
    await settled();
    expect(runs).toBe(2);
    finish();
    await second;
    await job('failing').fireOnTick();
    await settled();
    expect(log.errors).toEqual(['the job is broken']);
    const loud = job('loud').fireOnTick();
    await settled();
    await job('loud').fireOnTick();
    await settled();
    expect(log.errors[1]).toContain('Bulkhead "Jobs.loud"');
    finish();
    await loud;
  });
});
