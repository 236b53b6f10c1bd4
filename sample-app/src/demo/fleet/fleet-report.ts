import { bold, dim } from '../colours.js';
import { grid } from '../report.js';
import type { ShopInstance } from './instance.js';

/** What is known at the end. Times in milliseconds since 1970. */
export interface Outcome {
  readonly vouchersAsked: number;
  readonly vouchersLeftTo: number;
  /** When the provider began to refuse, and when it was well again. */
  readonly refusedAt: number;
  readonly wellAt: number;
  readonly killedAt: number;
  readonly backAt: number;
  /** The most charges that ran at the provider at once while it ailed. */
  readonly trialsAtOnce: number;
  /** Orders that wait in queues still. */
  readonly waiting: readonly number[];
  readonly collected: readonly number[];
}

const LEGEND = `opened, closed: the breaker "payments", from the moment at which the provider
began to refuse, or was well again. without Redis, with it: from its end, or
its return.`;

/** The closing table: a column for each shop and one for all of them. */
export function fleetTable(shops: readonly ShopInstance[], outcome: Outcome): string {
  const { refusedAt, wellAt, killedAt, backAt, collected, waiting } = outcome;
  const counted = (what: string, numbers: readonly number[], all = sum(numbers)): string[] => [what, ...numbers.map(String), all];
  const after = (what: string, type: string, since: number): string[] => {
    const times = shops.map((shop) => shop.firstOf(type, since)).map((at) => (at === undefined ? Infinity : at - since));
    const [first, last] = [Math.min(...times), Math.max(...times)];
    return [what, ...times.map(ms), Number.isFinite(last) ? `within ${Math.round(last - first)} ms` : 'not all'];
  };
  const rows = [
    counted(
      'orders paid at once',
      shops.map((shop) => shop.count(201)),
    ),
    counted('orders queued and paid later', collected),
    counted(
      'orders lost',
      shops.map((shop, index) => shop.lost + waiting[index]!),
    ),
    counted(
      'vouchers given',
      shops.map(({ vouchers }) => vouchers),
      `${sum(shops.map(({ vouchers }) => vouchers))} of ${outcome.vouchersLeftTo}`,
    ),
    after('opened after', 'circuit-breaker.opened', refusedAt),
    after('closed after', 'circuit-breaker.closed', wellAt),
    ['trials at the provider at once', ...shops.map(() => ''), String(outcome.trialsAtOnce)],
    after('without Redis after', 'store.unavailable', killedAt),
    after('with it again after', 'store.available', backAt),
  ];
  return `${grid(['', ...shops.map(({ name }) => name), 'fleet'], rows, 1)}\n${dim(LEGEND)}`;
}

/** What the demo is about, in sentences; those that do not hold say so. */
export function fleetHeadline(shops: readonly ShopInstance[], outcome: Outcome): { readonly text: string; readonly isGood: boolean } {
  const given = shops.reduce((total, { vouchers }) => total + vouchers, 0);
  const lost = shops.reduce((total, shop) => total + shop.lost, 0) + outcome.waiting.reduce((total, one) => total + one, 0);
  const opened = shops.every((shop) => shop.firstOf('circuit-breaker.opened', outcome.refusedAt) !== undefined);
  const facts: readonly (readonly [isSo: boolean, sentence: string])[] = [
    [lost === 0, `no order is lost, Redis or not (${lost})`],
    [
      given === outcome.vouchersLeftTo,
      `${outcome.vouchersAsked} ask for ${outcome.vouchersLeftTo} vouchers at all shops, and ${given} get one`,
    ],
    [opened, 'what one shop learns of the provider, all shops know'],
    [outcome.trialsAtOnce === 1, `${outcome.trialsAtOnce} trial at a time reaches it while it recovers`],
  ];
  const text = facts.map(([isSo, sentence]) => `${isSo ? '✓' : '✗'} ${sentence}`).join('\n');
  return { text: bold(text), isGood: facts.every(([isSo]) => isSo) };
}

function sum(numbers: readonly number[]): string {
  return String(numbers.reduce((total, one) => total + one, 0));
}

function ms(milliseconds: number): string {
  return Number.isFinite(milliseconds) ? `${Math.round(milliseconds)} ms` : 'never';
}
