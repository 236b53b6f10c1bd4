import { bad, bold, dim, good, warn } from './colours.js';
import type { PhaseResult } from './phases.js';

/** The widest that anything is shown. */
export const WIDTH = 80;

/** What is shown while the demo runs: one line a second, or a few lines that change in place on a terminal. */
export class View {
  private readonly isTerminal = process.stdout.isTTY && process.env['CI'] === undefined;
  private linesUp = 0;
  private hasHeading = false;

  constructor(private readonly perSecond: number) {}

  say(text: string): void {
    this.linesUp = 0;
    console.log(text);
  }

  /** @param elapsed Seconds since the start. */
  show(elapsed: number, total: number, results: readonly PhaseResult[], breakers: string): void {
    const [safe, bare] = results as [PhaseResult, PhaseResult];
    const seconds = String(Math.round(elapsed)).padStart(3);
    const { name } = safe.phase;
    if (!this.isTerminal) {
      if (!this.hasHeading) console.log('  s  phase         protected: paid  queued  lost   unprotected: paid  lost');
      this.hasHeading = true;
      const counts = [String(safe.paid).padStart(15), String(safe.queued).padStart(6), String(safe.lost).padStart(4)];
      const others = [String(bare.paid).padStart(17), String(bare.lost).padStart(4)];
      console.log(`${seconds}  ${name.padEnd(12)}  ${counts.join('  ')}   ${others.join('  ')}`);
      return;
    }
    const lines = [
      `${bold(name.padEnd(12))} ${dim(`${seconds} of ${total} s, ${this.perSecond} orders a second to each side`)}`,
      `breakers     ${breakers.slice(0, WIDTH - 13)}`,
      `protected    ${summary(safe)}`,
      `unprotected  ${summary(bare)}`,
    ];
    const up = this.linesUp === 0 ? '' : `\u001B[${this.linesUp}A`;
    process.stdout.write(up + lines.map((line) => `\u001B[2K${line}\n`).join(''));
    this.linesUp = lines.length;
  }
}

function padded(count: number): string {
  return String(count).padStart(3);
}

function summary(result: PhaseResult): string {
  const { paid, queued, lost } = result;
  const times = [0.5, 0.99].map((share) => result.quantile(share)).map((ms) => (Number.isNaN(ms) ? '-' : `${Math.round(ms)} ms`));
  return [
    good(`${padded(paid)} paid`),
    (queued === 0 ? dim : warn)(`${padded(queued)} queued`),
    (lost === 0 ? dim : bad)(`${padded(lost)} lost`),
    `p50 ${times[0]!.padStart(7)}`,
    `p99 ${times[1]!.padStart(7)}`,
  ].join('   ');
}
