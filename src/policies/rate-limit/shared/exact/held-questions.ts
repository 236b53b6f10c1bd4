import type { TimerHandle } from '../../../../engine/clock.js';
import type { Environment } from '../../../../engine/environment.js';
import { ROUNDING_MS } from '../agenda.js';
import type { Question } from '../store-calls.js';

/** Questions about keys that were over their limit a moment ago: they are asked together a little later. One timer for all. */
export class HeldQuestions {
  private readonly held: { readonly question: Question; readonly until: number }[] = [];
  private timer: TimerHandle;

  constructor(
    private readonly environment: Environment,
    private readonly ask: (question: Question) => void,
  ) {}

  hold(question: Question, until: number): void {
    this.held.push({ question, until });
    if (this.timer === undefined) this.schedule(until);
  }

  private schedule(until: number): void {
    const { clock } = this.environment;
    this.timer = clock.setTimer(() => this.release(), until - clock.now(), true);
  }

  /** All are held for about as long, so the first are due first, and one that waits a little longer for them is not harmed. */
  private release(): void {
    this.timer = undefined;
    const { clock } = this.environment;
    const now = clock.now() + Math.max(clock.timerResolution ?? 0, ROUNDING_MS);
    while (this.held.length > 0 && this.held[0]!.until <= now) this.ask(this.held.shift()!.question);
    if (this.held.length > 0) this.schedule(this.held[0]!.until);
  }
}
