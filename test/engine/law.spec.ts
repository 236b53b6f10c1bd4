import { Observable } from 'rxjs';
import type { Call } from '../../src/engine/call/call.js';
import { runObservable } from '../../src/engine/drivers/observable.js';
import { PromiseDriver } from '../../src/engine/drivers/promise.js';
import { Environment } from '../../src/engine/environment.js';
import { Pipeline } from '../../src/engine/pipeline/pipeline.js';
import type { Admission } from '../../src/engine/contract/admission.js';
import type { Strategy } from '../../src/engine/contract/strategy.js';
import type { Verdict } from '../../src/engine/contract/verdict.js';
import { Waiter } from '../../src/engine/waiting/waiter.js';
import { FakeClock } from '../../src/testing/index.js';

const KINDS = ['wait', 'limit', 'repeat', 'answer', 'reject', 'throw'] as const;
type Kind = (typeof KINDS)[number];

/** A layer that counts what it let pass and what it was told of. */
class Probe implements Strategy {
  readonly name: string;
  /** Attempts that it let pass or ordered, and ends that it was told of. */
  passed = 0;
  told = 0;
  private asked = 0;
  private ordered = 0;
  readonly expired: Strategy['expired'];

  constructor(
    readonly kind: Kind,
    private readonly clock: FakeClock,
  ) {
    this.name = kind;
    if (kind === 'limit') this.expired = () => (this.told++, new Error('too late'));
  }

  readonly admit = (call: Call, layer: number): Admission => {
    this.asked++;
    if (this.kind === 'reject' && this.asked > 1) return new Error('no');
    if (this.kind === 'wait') return this.queue();
    this.passed++;
    if (this.kind === 'limit') call.limit(layer, 8);
    return undefined;
  };

  readonly succeeded = (call: Call, layer: number): Verdict => this.end(call, layer);

  readonly failed = (call: Call, layer: number): Verdict => {
    this.end(call, layer);
    if (this.kind === 'throw') throw new Error('a broken layer');
    if (this.kind === 'repeat' && this.ordered < 2) {
      this.passed++;
      return this.ordered++ === 0 ? 6 : 0;
    }
    if (this.kind !== 'answer' || this.ordered++ > 0) return undefined;
    return { produce: () => 'instead', answered: () => undefined, failed: () => undefined };
  };

  abandoned(call: Call, layer: number): undefined {
    this.end(call, layer);
  }

  private end(call: Call, layer: number): undefined {
    this.told++;
    if (this.kind === 'limit') call.unlimit(layer);
  }

  private queue(): Waiter {
    const waiter = new Waiter({ left: () => undefined, expired: () => new Error('waited') }, 0, 1, undefined, 'op', 0);
    this.clock.setTimer(() => {
      if (waiter.state !== 'waiting') return;
      this.passed++;
      waiter.grant();
    }, 4);
    return waiter;
  }
}

const ENDINGS = ['gives a value', 'fails', 'hangs', 'throws at once'] as const;
const ABORTS = [undefined, -1, 1, 5, 9, 13];

function* choices(length: number, chosen: readonly Kind[] = []): Generator<readonly Kind[]> {
  if (length === 0) yield chosen;
  else for (const kind of KINDS) if (!chosen.includes(kind)) yield* choices(length - 1, [...chosen, kind]);
}

interface Run {
  readonly driver: 'promises' | 'Observables';
  readonly kinds: readonly Kind[];
  readonly ending: (typeof ENDINGS)[number];
  readonly abortAt: number | undefined;
}

/** What was not told exactly once, or undefined where all is well. */
async function broken({ driver, kinds, ending, abortAt }: Run): Promise<string | undefined> {
  const clock = new FakeClock();
  const environment = new Environment({ clock, logger: { warn: () => undefined, error: () => undefined } });
  const probes = kinds.map((kind) => new Probe(kind, clock));
  const pipeline = new Pipeline('op', probes, environment, undefined, false);
  const controller = new AbortController();
  let answers = 0;
  const method = (): unknown => {
    if (ending === 'throws at once') throw new Error('down');
    const settle = (value: () => void, error: () => void): void => {
      if (ending !== 'hangs') clock.setTimer(ending === 'fails' ? error : value, 3);
    };
    if (driver === 'promises')
      return new Promise((resolve, reject) =>
        settle(
          () => resolve('ok'),
          () => reject(new Error('down')),
        ),
      );
    return new Observable((subscriber) =>
      settle(
        () => (subscriber.next('ok'), subscriber.complete()),
        () => subscriber.error(new Error('down')),
      ),
    );
  };
  if (abortAt === -1) controller.abort(new Error('enough'));
  else if (abortAt !== undefined) clock.setTimer(() => controller.abort(new Error('enough')), abortAt);
  // Nobody waits for ever for a method that hangs.
  clock.setTimer(() => controller.abort(new Error('the end')), 200);
  const answered = (): void => void answers++;
  if (driver === 'promises') {
    const promises = new PromiseDriver(pipeline, undefined);
    promises.start(promises.take(0, undefined, undefined, undefined), undefined, method, controller.signal).then(answered, answered);
  } else {
    runObservable({ pipeline, plainValue: () => new Error('plain') }, undefined, method, [], controller.signal).subscribe({
      complete: answered,
      error: answered,
    });
  }
  await clock.advance(300);
  const wrong = probes
    .filter(({ passed, told }) => passed !== told)
    .map(({ kind, passed, told }) => `${kind} let ${passed} pass and was told of ${told}`);
  if (answers !== 1) wrong.push(`${answers} answers`);
  if (environment.shutdown.inFlight !== 0) wrong.push(`${environment.shutdown.inFlight} in flight`);
  if (clock.pendingTimers > 0) wrong.push(`${clock.pendingTimers} timers`);
  return wrong.length === 0 ? undefined : `${kinds.join(' > ')}, ${ending}, abort at ${abortAt}: ${wrong.join(', ')}`;
}

describe.each(['promises', 'Observables'] as const)('with %s, whoever let an attempt pass is told exactly once how it ended', (driver) => {
  it.each([1, 2, 3])('in every order of %i layers, for every ending, whenever the caller gives up', async (length) => {
    const runs = [...choices(length)].flatMap((kinds) =>
      ENDINGS.flatMap((ending) => ABORTS.map((abortAt) => ({ driver, kinds, ending, abortAt }))),
    );
    const results = await Promise.all(runs.map(broken));
    expect(results.filter((result) => result !== undefined)).toEqual([]);
  });
});
