import { Module, type DynamicModule } from '@nestjs/common';
import { ResilienceModule, type ResilienceModuleOptions } from '../index.js';
import { FakeClock } from './fake-clock.js';
import { memoryStore } from './memory-store/memory-store.js';
import { seededRandom } from './seeded-random.js';

/** What a test may say: all that `forRoot` takes, but for time and chance. `drainTimeout` is 0 where nothing else is said: the clock stands still. */
export type ResilienceTestingOptions = Omit<ResilienceModuleOptions, 'clock' | 'random'> & {
  /** Time of the test; injectable as `FakeClock`. Default: a new one. */
  readonly clock?: FakeClock;
};

/**
 * `ResilienceModule` for a unit test of a service with decorated methods: `imports: [ResilienceTestingModule.off()]` tests
 * what the service does by itself, `ResilienceTestingModule.on()` what its policies make of it, on a clock that stands still.
 */
@Module({})
export class ResilienceTestingModule {
  /** Methods run bare, fallbacks too: an error is the error of the method. */
  static off(): DynamicModule {
    return {
      module: ResilienceTestingModule,
      imports: [ResilienceModule.forRoot({ drainTimeout: 0, enabled: false, overrides: { '*': { fallback: false } } })],
    };
  }

  /** Everything works, on a `FakeClock` and with the same chance in every run. `module.get(FakeClock).advance('1s')` moves time. */
  static on({ clock = new FakeClock(), ...options }: ResilienceTestingOptions = {}): DynamicModule {
    return {
      module: ResilienceTestingModule,
      imports: [ResilienceModule.forRoot({ drainTimeout: 0, store: memoryStore(), ...options, clock, random: seededRandom(1) })],
      providers: [{ provide: FakeClock, useValue: clock }],
      exports: [FakeClock],
    };
  }
}
