import { Bench, Witness, witnessed } from './bench.js';
import { storeLimitKind, type PermitStore } from './store-limit.js';

/** Answers after so long; remembers how many permits are out. */
class Store implements PermitStore {
  taken = 0;
  bench!: Bench;

  constructor(
    private readonly delayMs: number | 'never' | 'throws',
    private readonly limit = 10,
  ) {}

  async take(): Promise<boolean> {
    if (this.delayMs === 'throws') throw new Error('no connection');
    if (this.delayMs === 'never') return new Promise(() => undefined);
    const granted = this.taken < this.limit;
    if (granted) this.taken++;
    await this.bench.after(this.delayMs, true);
    return granted;
  }

  giveBack(): Promise<void> {
    this.taken--;
    return Promise.resolve();
  }
}

function setUp(store: Store, failOpen: boolean): { bench: Bench; outside: Witness } {
  const outside = new Witness();
  const bench = new Bench(witnessed(outside), [storeLimitKind, { store, timeoutMs: 50, failOpen }]);
  store.bench = bench;
  return { bench, outside };
}

describe('a store that decides', () => {
  it.each([
    ['in time', new Store(10), 'value', 'SUCCESS method'],
    ['against the call', new Store(10, 0), 'failed: no permit', 'REJECTED'],
  ])('%s', async (_name, store, result, told) => {
    const { bench, outside } = setUp(store, false);
    const call = bench.call(() => bench.after(5, 'value'));
    await bench.clock.advance(20);
    expect(await call).toBe(result);
    expect(outside.told).toEqual([told]);
    await bench.clock.advance(1000);
    expect({ taken: store.taken, left: bench.leftovers() }).toEqual({ taken: 0, left: [] });
  });

  it.each([
    ['late', 80, true, 'value'],
    ['late', 80, false, 'failed: the store is silent'],
    ['never', 'never', true, 'value'],
    ['never', 'never', false, 'failed: the store is silent'],
    ['with an error', 'throws', true, 'value'],
    ['with an error', 'throws', false, 'failed: the store is silent'],
  ] as const)('%s (%s), fail open: %s', async (_name, delay, failOpen, result) => {
    const store = new Store(delay);
    const { bench } = setUp(store, failOpen);
    const call = bench.call(() => bench.after(100, 'value'));
    await bench.clock.advance(1000);
    expect(await call).toBe(result);
    expect({ taken: store.taken, left: bench.leftovers() }).toEqual({ taken: 0, left: [] });
  });

  it('after the caller has left, gets its permit back', async () => {
    const store = new Store(30);
    const { bench, outside } = setUp(store, false);
    const controller = new AbortController();
    const call = bench.call(() => Promise.resolve('value'), [], controller.signal);
    await bench.clock.advance(10);
    controller.abort(new Error('enough'));
    expect(await call).toBe('failed: enough');
    expect(store.taken).toBe(1);
    await bench.clock.advance(1000);
    expect({ taken: store.taken, told: outside.told, left: bench.leftovers() }).toEqual({ taken: 0, told: ['abandoned ABORT'], left: [] });
  });
});
