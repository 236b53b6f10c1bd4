import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { APP_INTERCEPTOR, DiscoveryModule, LazyModuleLoader, ModulesContainer } from '@nestjs/core';
import { systemClock } from '../engine/clock.js';
import { ResilienceConfigError } from '../engine/error.js';
import { Resilience } from '../application/resilience.js';
import type { ResilienceStore } from '../policies/shared-store.js';
import { choice, duration, flag, formatValue, Problems, readSettings, type Rules } from '../options/index.js';
import { EventListeners } from './events/event-listeners.js';
import { EventLog } from './events/event-log.js';
import { NestLogger } from './events/nest-logger.js';
import { featureModule, type ResilienceFeatureOptions } from './resilience-feature.module.js';
import { ResilienceExplorer } from './runtime/explorer.js';
import { MODULE_BRAND, RUNTIME_TOKEN, STORE_TOKEN } from './runtime/keys.js';
import { isOverriddenInVain } from './runtime/overridden-in-vain.js';
import { announce, retract } from './runtime/live-runtimes.js';
import { checkNestVersion, tellsInStreams } from './versions/nest-version.js';
import {
  ASYNC_OPTIONS_TYPE,
  ConfigurableModuleClass,
  MODULE_OPTIONS_TOKEN,
  OPTIONS_TYPE,
  type ResilienceModuleOptions,
} from './resilience.module-definition.js';
import { ResilienceRuntime, type Unmanaged } from './runtime/runtime.js';
import { startups, unread } from './runtime/startup.js';
import { StreamErrorsInterceptor } from './versions/stream-errors.interceptor.js';

/** Runs, lists and observes protected operations; injectable. The object that `createResilience` gives too. */
export const ResilienceService = Resilience;
export type ResilienceService = Resilience;

/** What the module itself is told, beside what `Resilience` reads. */
interface ModuleSettings {
  readonly unmanaged: Unmanaged;
  readonly drainTimeout?: number;
  readonly logs: boolean;
}

const RULES: Rules = {
  unmanaged: choice(['warn', 'allow', 'throw'], { default: 'warn' }),
  drainTimeout: duration({ zero: true }),
  logs: flag({ default: true }),
};

/** @throws ResilienceConfigError with every mistake in the options, be they the module's or not. */
function createService(options: ResilienceModuleOptions, runtime: ResilienceRuntime, store?: ResilienceStore): Resilience {
  if (typeof options !== 'object' || options === null)
    throw new ResilienceConfigError([`ResilienceModule: options must be an object, got ${formatValue(options)}`]);
  const { unmanaged, drainTimeout, logs, ...rest } = options;
  const problems = new Problems();
  const settings = readSettings<ModuleSettings>(RULES, { unmanaged, drainTimeout, logs }, problems);
  let resilience: Resilience;
  try {
    resilience = new Resilience({ logger: new NestLogger(), ...(store === undefined ? {} : { store }), ...rest });
  } catch (error) {
    if (!(error instanceof ResilienceConfigError)) throw error;
    throw new ResilienceConfigError([...problems.messages, ...error.problems]);
  }
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  runtime.setResilience(resilience, settings.unmanaged);
  // A clock of the application's own may stand still.
  runtime.drainMs = settings.drainTimeout ?? ((rest.clock ?? systemClock) === systemClock ? DRAIN_MS : 0);
  if (settings.logs) runtime.log = new EventLog(resilience);
  return resilience;
}

/** How long a shutdown waits where nothing else is said. */
const DRAIN_MS = 5000;

/** Turns of the event loop between the end of the last call and the end of the servers. */
const TURNS_TO_ANSWER = 10;

/** Import `ResilienceModule.forRoot()` once, in the root module. */
@Module({
  imports: [DiscoveryModule],
  providers: [
    // Without dependencies: see ResilienceRuntime.
    { provide: RUNTIME_TOKEN, useFactory: () => new ResilienceRuntime() },
    {
      provide: ResilienceService,
      useFactory: createService,
      inject: [MODULE_OPTIONS_TOKEN, RUNTIME_TOKEN, { token: STORE_TOKEN, optional: true }],
    },
    ResilienceExplorer,
    EventListeners,
    ...(tellsInStreams() ? [{ provide: APP_INTERCEPTOR, useClass: StreamErrorsInterceptor }] : []),
  ],
  exports: [RUNTIME_TOKEN, ResilienceService],
})
export class ResilienceModule
  extends ConfigurableModuleClass
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  static readonly [MODULE_BRAND] = true;

  /** @internal */
  constructor(
    @Inject(RUNTIME_TOKEN) private readonly runtime: ResilienceRuntime,
    @Inject(ResilienceExplorer) private readonly explorer: ResilienceExplorer,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(LazyModuleLoader) private readonly loader: LazyModuleLoader,
  ) {
    super();
  }

  static override forRoot(options: typeof OPTIONS_TYPE = {}): DynamicModule {
    return super.forRoot(options);
  }

  static override forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.forRootAsync(options);
  }

  /** Presets that belong to a feature module, beside `forRoot()` in the root module. */
  static forFeature(options: ResilienceFeatureOptions): DynamicModule {
    return featureModule(options);
  }

  /** @throws ResilienceConfigError with every mistake of the whole application. */
  async onModuleInit(): Promise<void> {
    checkNestVersion();
    const roots = [...this.modules.values()].filter(({ metatype }) => MODULE_BRAND in metatype);
    if (roots.length > 1) {
      throw new ResilienceConfigError([
        'ResilienceModule.forRoot() is imported more than once, so some providers would get one runtime and some another: import it once, in the root module',
      ]);
    }
    if (isOverriddenInVain(this.loader)) {
      throw new ResilienceConfigError([
        'overrideModule(ResilienceModule) has no effect, as forRoot() gives Nest another module. Import one that the test knows, ' +
          'export const resilience = ResilienceModule.forRoot(...), and say overrideModule(resilience).useModule(ResilienceTestingModule.on())',
      ]);
    }
    if (this.runtime.resilience === undefined) {
      throw new ResilienceConfigError([
        'the options of ResilienceModule.forRootAsync() depend on something request-scoped, so they do not exist at startup: inject only what lives as long as the application',
      ]);
    }
    const ofMethods = this.runtime.start(this.explorer.explore(this.runtime));
    const problems = [...new Set([...ofMethods, ...startups(this.modules).flatMap((one) => one.compile())])];
    if (problems.length > 0) throw new ResilienceConfigError(problems);
    await this.runtime.resilience.ready();
    this.explorer.reportSelfCalls(this.runtime);
    this.tell(this.runtime.resilience);
  }

  /** What is set up, for who looks; and what was meant for a policy that does not exist. */
  private tell(resilience: Resilience): void {
    const { logger } = resilience.environment;
    for (const unmatched of resilience.unmatchedOverrides()) logger.warn(unmatched);
    const operations = resilience.list();
    const layers = new Map<string, number>();
    for (const { kind } of operations.flatMap(({ policies }) => policies)) layers.set(kind, (layers.get(kind) ?? 0) + 1);
    const shown = [...layers].map(([kind, count]) => `${kind} ${count}`).join(', ');
    if (this.runtime.log !== undefined && operations.length > 0) {
      logger.log?.(`${operations.length === 1 ? '1 operation is' : `${operations.length} operations are`} protected (${shown})`, {
        operations: operations.length,
        ...Object.fromEntries(layers),
      });
    }
    if (logger.debug === undefined) return;
    for (const { operationId } of operations) logger.debug(String(resilience.explain(operationId)));
  }

  onApplicationBootstrap(): void {
    // Not before: an application whose start failed in a module's init is none that runs.
    announce(this.runtime);
    const parts = startups(this.modules);
    for (const line of new Set([...parts.flatMap((one) => one.unmatched()), ...unread(this.modules, parts)]))
      this.runtime.resilience?.environment.logger.warn(line);
    this.runtime.log?.settle();
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { resilience, drainMs } = this.runtime;
    if (resilience === undefined) return;
    await resilience.drain({ timeout: drainMs });
    // The last calls have their results, and whoever called has yet to write them to a socket that Nest is about to close.
    for (let turn = 0; turn < TURNS_TO_ANSWER; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async onApplicationShutdown(): Promise<void> {
    retract(this.runtime);
    this.runtime.releaseInstances();
    this.runtime.log?.close();
    await this.runtime.resilience?.close();
  }
}
