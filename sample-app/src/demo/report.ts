import type { PhaseResult } from './phases.js';

const COLUMNS = ['phase', 'side', 'answers', 'paid', 'queued', 'errors', 'p50', 'p99', 'calls to provider', 'recovered after'];

/** The table at the end: each phase, protected beside unprotected. */
export function table(results: readonly PhaseResult[]): string {
  const rows = results.map((result) => [
    result.side === 'protected' ? result.phase.name : '',
    result.side,
    String(result.samples.length),
    String(result.count(201)),
    String(result.count(202)),
    String(result.errors),
    milliseconds(result.quantile(0.5)),
    milliseconds(result.quantile(0.99)),
    String(result.callsToProvider),
    result.recoveryMs === undefined ? '' : milliseconds(result.recoveryMs),
  ]);
  return grid(COLUMNS, rows, 2);
}

/** Rows under their columns, the first ones to the left and the others to the right. */
export function grid(columns: readonly string[], rows: readonly (readonly string[])[], left: number): string {
  const widths = columns.map((column, index) => Math.max(column.length, ...rows.map((row) => row[index]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, index) => (index < left ? cell.padEnd(widths[index]!) : cell.padStart(widths[index]!))).join('  ');
  return [line(columns), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}

function milliseconds(value: number): string {
  return Number.isFinite(value) ? `${Math.round(value)} ms` : 'not at all';
}
