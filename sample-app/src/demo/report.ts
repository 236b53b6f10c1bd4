import type { PhaseResult } from './phases.js';
import { bad, bold, dim, good, warn } from './colours.js';

/** Colours a cell that is padded already. */
export type Paint = (cell: string, heading: string, row: readonly string[]) => string;

const COLUMNS = ['phase', 'side', 'paid', 'queued', 'lost', 'p50 ms', 'p99 ms', 'calls', 'back ms'];

/** What the columns mean. */
const LEGEND = `paid: at once (201). queued: the shop charges it later (202). lost: an error, or
no answer within 4 s. p50, p99: half, or 99 %, of the answers came in less.
calls: reached the provider. back: from its recovery to the first paid order.`;

/** Each phase, protected beside unprotected. */
export function phaseTable(results: readonly PhaseResult[]): string {
  const rows = results.map((result) => [
    result.side === 'protected' ? result.phase.name : '',
    result.side,
    String(result.paid),
    String(result.queued),
    String(result.lost),
    rounded(result.quantile(0.5)),
    rounded(result.quantile(0.99)),
    String(result.callsToProvider),
    result.recoveryMs === undefined ? '' : rounded(result.recoveryMs),
  ]);
  return `${grid(COLUMNS, rows, 2, paintPhase)}\n${dim(LEGEND)}`;
}

const paintPhase: Paint = (cell, heading, row) => {
  if (heading === 'lost') return cell.trim() === '0' ? cell : bad(cell);
  if (heading === 'queued') return cell.trim() === '0' ? cell : warn(cell);
  return row[1] === 'unprotected' && heading !== 'phase' ? dim(cell) : cell;
};

/** What happened to the orders that had to wait for the provider. */
export interface Queue {
  readonly waiting: number;
  readonly paid: number;
}

/** What one side went through. */
class Side {
  private readonly results: readonly PhaseResult[];

  constructor(all: readonly PhaseResult[], name: PhaseResult['side']) {
    this.results = all.filter(({ side }) => side === name);
  }

  sum(of: (result: PhaseResult) => number): number {
    return this.results.reduce((total, result) => total + of(result), 0);
  }

  get callsWhileIll(): number {
    return this.sum(({ phase, callsToProvider }) => (phase.mode === 'refusing' || phase.mode === 'hanging' ? callsToProvider : 0));
  }

  get p50WhileHanging(): string {
    return `${rounded(this.results.find(({ phase }) => phase.mode === 'hanging')!.quantile(0.5))} ms`;
  }
}

const paintHeadline: Paint = (cell, heading) => (heading === 'protected' ? good(cell) : heading === 'unprotected' ? bad(cell) : bold(cell));

/** The three figures that the demo is about. */
export function headline(results: readonly PhaseResult[], { waiting, paid }: Queue): string {
  const [safe, bare] = [new Side(results, 'protected'), new Side(results, 'unprotected')];
  const rows = [
    ['orders lost', String(safe.sum(({ lost }) => lost) + waiting), String(bare.sum(({ lost }) => lost))],
    ['p50 of the answers while the provider hangs', safe.p50WhileHanging, bare.p50WhileHanging],
    ['calls that reached it while it refused or hung', String(safe.callsWhileIll), String(bare.callsWhileIll)],
  ];
  const rest = waiting === 0 ? 'all of them paid by now' : `${waiting} of them not paid yet`;
  return `Protected: ${safe.sum((result) => result.paid)} orders paid at once, ${paid + waiting} queued, ${rest}.
Unprotected: ${bare.sum((result) => result.paid)} orders paid at once.

${grid(['', 'protected', 'unprotected'], rows, 1, paintHeadline)}`;
}

/** Rows under their columns, the first ones to the left and the others to the right. */
export function grid(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  left: number,
  paint: Paint = (cell) => cell,
): string {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]!.length)));
  const pad = (cell: string, index: number): string => (index < left ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!));
  const lines = rows.map((row) => row.map((cell, index) => paint(pad(cell, index), columns[index]!, row)).join('  '));
  return [bold(columns.map(pad).join('  ')), dim(widths.map((width) => '─'.repeat(width)).join('  ')), ...lines].join('\n');
}

function rounded(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? String(Math.round(milliseconds)) : 'never';
}
