import { styleText } from 'node:util';

/** Whether a terminal is there that shows colours; `NO_COLOR` and `TERM=dumb` say no. */
const isColoured = process.stdout.isTTY && process.stdout.hasColors();

const style =
  (format: Parameters<typeof styleText>[0]) =>
  (text: string): string =>
    isColoured ? styleText(format, text) : text;

export const bold = style('bold');
export const dim = style('dim');
export const good = style('green');
export const warn = style('yellow');
export const bad = style('red');
