import { createResilience, type Policy, type Resilience, type ResilienceEvent, type ResilienceOptions } from '../../src/core.js';
import { FakeClock } from '../../src/testing/index.js';

/** How a scripted attempt ends: `ok` and `ok:value` succeed, `fail` throws, `hang` never ends; `@50` takes 50 ms. */
export type Script = string;

/** An error that a scripted attempt throws; `fail:name` gives it a message. */
export class Boom extends Error {}

/** How a call ended, and when. */
export interface Ending {
  value?: unknown;
  error?: unknown;
  at?: number;
  /** When its attempts began. */
  readonly starts: number[];
}

/** An application without Nest on a clock that stands still, with everything it told. */
export class Lab {
  readonly events: ResilienceEvent[] = [];
  readonly logged: string[] = [];
  readonly resilience: Resilience;

  /** @param clock One that it shares with others. */
  constructor(
    options: ResilienceOptions = {},
    readonly clock = new FakeClock(),
  ) {
    const log = (message: string): void => void this.logged.push(message);
    this.resilience = createResilience({
      clock: this.clock,
      random: () => 0.5,
      logger: { warn: log, error: log },
      onEvent: (event) => this.events.push(event),
      ...options,
    });
  }

  /** Starts a call whose attempts go by the script, the last one again and again. */
  call(policy: Policy, script: Script, options: { name?: string; signal?: AbortSignal; args?: readonly unknown[] } = {}): Ending {
    const ending: Ending = { starts: [] };
    const steps = script.split(' ');
    this.resilience
      .execute(
        policy,
        ({ attempt }) => {
          ending.starts.push(this.clock.now());
          return this.play(steps[Math.min(attempt, steps.length) - 1]!);
        },
        options,
      )
      .then(
        (value) => Object.assign(ending, { value, at: this.clock.now() }),
        (error: unknown) => Object.assign(ending, { error, at: this.clock.now() }),
      );
    return ending;
  }

  /** The types of the events so far. */
  get told(): string[] {
    return this.events.map(({ type }) => type);
  }

  /** Plays one step of a script. */
  play(step: string): Promise<unknown> {
    const [what, after] = step.split('@') as [string, string | undefined];
    const [outcome, detail] = what.split(':') as [string, string | undefined];
    return new Promise((resolve, reject) => {
      if (outcome === 'hang') return;
      const end = (): void => (outcome === 'ok' ? resolve(detail ?? 'ok') : reject(new Boom(detail ?? 'boom')));
      if (after === undefined) end();
      else this.clock.setTimer(end, Number(after));
    });
  }
}
