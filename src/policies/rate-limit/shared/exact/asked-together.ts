import type { PermitAnswer } from '../limit-store.js';
import type { PermitTurn } from '../permit-turn.js';
import { MAX_IN_SCRIPT, type Question } from '../store-calls.js';

/** Who asks for several together. */
export interface AskOwner {
  /** The question goes out now. */
  sent(asked: AskedTogether): void;
  answered(asked: AskedTogether, answer: PermitAnswer): void;
  failed(asked: AskedTogether): void;
}

/** Those that want the same of one key in one turn of the event loop: the store hears of them as a number. */
export class AskedTogether implements Question {
  turns: PermitTurn[] = [];
  /** How many of them the store was asked for. */
  size = 0;

  constructor(
    private readonly owner: AskOwner,
    readonly key: string | undefined,
    readonly cost: number,
    readonly mayWait: boolean,
    /** Who wants something else of the same key. */
    public next: AskedTogether | undefined,
  ) {}

  /** Each place in a line is a step of the script. */
  get isFull(): boolean {
    return this.mayWait && this.turns.length >= MAX_IN_SCRIPT;
  }

  add(turn: PermitTurn): void {
    this.turns.push(turn);
  }

  times(): number {
    this.owner.sent(this);
    this.turns = this.turns.filter(({ state }) => state === 'waiting');
    this.size = this.turns.length;
    return this.size;
  }

  answered(answer: PermitAnswer): void {
    this.owner.answered(this, answer);
  }

  failed(): void {
    this.owner.failed(this);
  }
}
