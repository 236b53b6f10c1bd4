import type { Mode } from '../../upstream/mode.js';

/** One part of the demo with several shops. */
export interface Step {
  readonly name: string;
  readonly seconds: number;
  /** What the provider is told, where it is told something. */
  readonly provider?: Mode;
  readonly redis?: 'killed' | 'started';
  /** Customers ask all shops for vouchers, three times as many as there are. */
  readonly vouchers?: true;
}

export const STEPS: readonly Step[] = [
  { name: 'all is well', seconds: 2, provider: 'healthy' },
  { name: 'vouchers', seconds: 3, vouchers: true },
  { name: 'provider refuses', seconds: 4, provider: 'refusing' },
  { name: 'provider ails', seconds: 6, provider: 'ailing' },
  { name: 'provider is well', seconds: 5, provider: 'healthy' },
  { name: 'Redis is killed', seconds: 4, redis: 'killed' },
  { name: 'Redis is back', seconds: 4, redis: 'started' },
];
