import type { Environment } from '../../../engine/environment.js';
import { atEndOfTurn } from '../../../engine/waiting/turn-end.js';
import type { Correction, LimitStore, PermitAnswer, SharedLimit } from './limit-store.js';

/** What is asked of the store, by one caller or by many that want the same. */
export interface Question {
  readonly key: string | undefined;
  readonly cost: number;
  /** Whether places in the line will do. */
  readonly mayWait: boolean;
  /** How many times, as of now; 0 where nobody wants it any more. */
  times(): number;
  /** @param sentAt When the store was asked, by the clock. */
  answered(answer: PermitAnswer, sentAt: number): void;
  failed(error: unknown): void;
}

/** So many keys, or places in a line, one script decides: a few microseconds of the server each. Fewer cost more, as a script has its own price. */
export const MAX_IN_SCRIPT = 256;

/** What one limit wants of the store in one turn of the event loop goes out together at its end. */
export class StoreCalls {
  private questions: Question[] = [];
  private corrections: Correction[] = [];
  private isScheduled = false;
  /** What was told to the store and not confirmed yet. */
  private readonly underWay = new Set<Promise<unknown>>();

  constructor(
    private readonly store: LimitStore,
    private readonly environment: Environment,
    private readonly label: string,
    /** As it is now: a live change makes another one. */
    private readonly limit: () => SharedLimit,
    private readonly patience: () => { readonly maxWaitMs: number; readonly maxQueue: number },
  ) {}

  ask(question: Question): void {
    this.questions.push(question);
    this.schedule();
  }

  /** Permits that were taken for nothing. */
  giveBack(key: string | undefined, cost: number, stamp: number): void {
    if (cost <= 0) return;
    this.corrections.push({ key, cost, stamp });
    this.schedule();
  }

  /** The same at once, for who ends. */
  flush(): void {
    this.isScheduled = false;
    const { questions, corrections } = this;
    this.questions = [];
    this.corrections = [];
    // First what comes back: who asks in the same turn may have it.
    for (let from = 0; from < corrections.length; from += MAX_IN_SCRIPT) {
      const part = corrections.slice(from, from + MAX_IN_SCRIPT);
      this.background(() => this.store.giveBack(this.limit(), part));
    }
    if (questions.length === 0) return;
    this.send(
      questions.filter(({ mayWait }) => !mayWait),
      false,
    );
    this.send(
      questions.filter(({ mayWait }) => mayWait),
      true,
    );
  }

  /** What was let pass without the store. */
  charge(permits: readonly Correction[]): void {
    for (let from = 0; from < permits.length; from += MAX_IN_SCRIPT) {
      const part = permits.slice(from, from + MAX_IN_SCRIPT);
      this.background(() => this.store.charge(this.limit(), part));
    }
  }

  /** Settles when all that comes back has been told to the store, or could not be. */
  idle(): Promise<unknown> {
    this.flush();
    return Promise.all(this.underWay);
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    atEndOfTurn(() => {
      if (this.isScheduled) this.flush();
    });
  }

  private send(questions: readonly Question[], mayWait: boolean): void {
    let batch: Question[] = [];
    let asks: { readonly key: string | undefined; readonly cost: number; readonly times: number }[] = [];
    let size = 0;
    const end = (): void => {
      if (batch.length > 0) this.sendOne(batch, asks, mayWait);
      [batch, asks, size] = [[], [], 0];
    };
    for (const question of questions) {
      const times = question.times();
      if (times === 0) continue;
      const weight = mayWait ? times : 1;
      if (size + weight > MAX_IN_SCRIPT) end();
      batch.push(question);
      asks.push({ key: question.key, cost: question.cost, times });
      size += weight;
    }
    end();
  }

  private sendOne(batch: readonly Question[], asks: Parameters<LimitStore['take']>[1], mayWait: boolean): void {
    const sentAt = this.environment.clock.now();
    const failed = (error: unknown): void => {
      for (const question of batch) question.failed(error);
    };
    let answers: ReturnType<LimitStore['take']>;
    try {
      answers = this.store.take(this.limit(), asks, mayWait ? this.patience() : undefined);
    } catch (error) {
      failed(error);
      return;
    }
    answers.then((all) => {
      batch.forEach((question, index) => question.answered(all[index]!, sentAt));
    }, failed);
  }

  /** Nobody waits for it but a shutdown; where it fails the permits come back by themselves in time. */
  private background(work: () => Promise<unknown>): void {
    const ended = (): void => {
      this.underWay.delete(settled);
    };
    const settled: Promise<void> = work().then(ended, ended);
    this.underWay.add(settled);
    this.environment.background(settled, this.label);
  }
}
