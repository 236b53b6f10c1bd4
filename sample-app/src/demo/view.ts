import type { PhaseResult } from './phases.js';

/** What is shown while the demo runs: one line a second, or a few lines that change in place on a terminal. */
export class View {
  private readonly isTerminal = process.stdout.isTTY && process.env['CI'] === undefined;
  private linesUp = 0;

  constructor(private readonly perSecond: number) {}

  say(text: string): void {
    this.linesUp = 0;
    console.log(text);
  }

  /** @param elapsed Seconds since the start. */
  show(elapsed: number, total: number, results: readonly PhaseResult[], breakers: string): void {
    const [safe, bare] = results as [PhaseResult, PhaseResult];
    if (!this.isTerminal) {
      console.log(
        `${String(Math.round(elapsed)).padStart(3)} s  ${safe.phase.name.padEnd(15)} protected ${summary(safe)} | unprotected ${summary(bare)} | ${breakers}`,
      );
      return;
    }
    const lines = [
      `phase        ${safe.phase.name}   (${Math.round(elapsed)} of ${total} s, ${this.perSecond} orders a second to each side)`,
      `breakers     ${breakers}`,
      `protected    ${summary(safe)}`,
      `unprotected  ${summary(bare)}`,
    ];
    const up = this.linesUp === 0 ? '' : `\u001B[${this.linesUp}A`;
    process.stdout.write(up + lines.map((line) => `\u001B[2K${line}\n`).join(''));
    this.linesUp = lines.length;
  }
}

function summary(result: PhaseResult): string {
  const byStatus = new Map<number, number>();
  for (const { status } of result.samples) byStatus.set(status, (byStatus.get(status) ?? 0) + 1);
  const answers = [...byStatus].toSorted(([a], [b]) => a - b).map(([status, count]) => `${status === 0 ? 'no answer' : status} ×${count}`);
  const times =
    result.samples.length === 0 ? '' : ` p50 ${Math.round(result.quantile(0.5))} ms, p99 ${Math.round(result.quantile(0.99))} ms`;
  return `${answers.join(', ') || 'nothing yet'}${times}`;
}
