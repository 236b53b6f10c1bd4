import type { CircuitBreakerOptions } from '../../src/core.js';
import { Boom } from './lab.js';

/** What a circuit breaker does, be it local or shared: what it is, its options, steps (`fail`, `ok@50`, `+1s`), and the states seen. */
export const CIRCUIT_TABLE: readonly (readonly [string, CircuitBreakerOptions, string, string[]])[] = [
  ['opens at the failure rate', { window: 4, minimumCalls: 4 }, 'ok fail ok fail', ['closed', 'open']],
  ['does not open below the rate', { window: 4, minimumCalls: 4, failureRateThreshold: 0.75 }, 'ok fail ok fail ok fail', ['closed']],
  ['does not open before the minimum', { minimumCalls: 5 }, 'fail fail fail fail', ['closed']],
  ['opens when a success completes the minimum', { minimumCalls: 3 }, 'fail fail ok', ['closed', 'open']],
  ['rejects while open', { minimumCalls: 2 }, 'fail fail ok', ['closed', 'open', 'rejected']],
  ['says half-open when its time is over', { minimumCalls: 2, openDuration: '1s' }, 'fail fail +1s', ['closed', 'open', 'half-open']],
  [
    'closes after a successful trial',
    { minimumCalls: 2, openDuration: '1s' },
    'fail fail +1s ok',
    ['closed', 'open', 'half-open', 'closed'],
  ],
  [
    'opens again after a failed trial',
    { minimumCalls: 2, openDuration: '1s' },
    'fail fail +1s fail',
    ['closed', 'open', 'half-open', 'open'],
  ],
  [
    'opens again after a slow trial',
    { minimumCalls: 2, openDuration: '1s', slowCallDuration: '50ms' },
    'fail fail +1s ok@51',
    ['closed', 'open', 'half-open', 'open'],
  ],
  ['a call is slow when it took longer, not as long', { minimumCalls: 2, slowCallDuration: '50ms' }, 'ok@50 ok@50', ['closed']],
  ['opens at the rate of slow calls', { minimumCalls: 2, slowCallDuration: '50ms' }, 'ok@51 ok@51', ['closed', 'open']],
  ['counts failures in a row', { consecutiveFailures: 3 }, 'fail fail ok fail fail fail', ['closed', 'open']],
  ['in a row alone does not judge the rate', { consecutiveFailures: 3 }, Array(12).fill('fail fail ok').join(' '), ['closed']],
  ['in a row beside a window judges both', { consecutiveFailures: 30, window: 4, minimumCalls: 4 }, 'fail ok fail ok', ['closed', 'open']],
  [
    'forgets failures that left a time window',
    { window: '1s', minimumCalls: 2, failureRateThreshold: 0.6 },
    'fail +2s fail ok',
    ['closed'],
  ],
  ['client errors are successes', { minimumCalls: 2, ignore: Boom }, 'fail fail fail', ['closed']],
];
