import { systemClock } from '../clock.js';
import type { Environment } from '../environment.js';
import { deferred } from './waiter.js';

/** What is to be done at the end, all at once and in a bounded time: whatever a server does, a process has to end. */
export class LastTasks {
  private readonly tasks = new Set<() => PromiseLike<unknown>>();

  /** @param label What is told where one of them fails. */
  constructor(
    private readonly environment: Environment,
    private readonly label: string,
  ) {}

  /** Gives what takes it off the list. */
  add(task: () => PromiseLike<unknown>): () => void {
    this.tasks.add(task);
    return () => this.tasks.delete(task);
  }

  /** Resolves when all have been done, or after so long. */
  async run(limitMs: number): Promise<void> {
    const tasks = [...this.tasks];
    this.tasks.clear();
    if (tasks.length === 0) return;
    const done = Promise.all(tasks.map((task) => this.attempt(task)));
    const { promise: over, resolve } = deferred();
    const timer = systemClock.setTimer(resolve, limitMs, true);
    await Promise.race([done, over]);
    systemClock.clearTimer(timer);
  }

  private async attempt(task: () => PromiseLike<unknown>): Promise<void> {
    try {
      await task();
    } catch (error) {
      this.environment.callbackFailed(this.label, undefined, error);
    }
  }
}
