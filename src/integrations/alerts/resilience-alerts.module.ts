import {
  ConfigurableModuleBuilder,
  Inject,
  Module,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import { ResilienceConfigError, type Duration } from '../../core.js';
import type { TimerHandle } from '../../engine/clock.js';
import { guardedLogger } from '../../engine/telemetry/logger.js';
import { ResilienceService } from '../../index.js';
import { NestLogger } from '../../nest/events/nest-logger.js';
import { duration, formatValue, Problems, readSettings, rule, type Rules } from '../../options/index.js';
import type { Alert, AlertChannel } from './alert.js';
import { AlertState } from './alert-state.js';
import { Deliveries } from './deliveries.js';
import type { Detector } from './detectors/detector.js';
import { detectorOf } from './detectors/detectors.js';
import { loggerChannel } from './logger-channel.js';
import { unknownNames } from './rule-names.js';
import { readRules, type RuleSettings } from './rule-settings.js';
import type { AlertRule } from './rules.js';

/** What `ResilienceAlertsModule.register` takes. */
export interface ResilienceAlertsOptions {
  /** What is alerted on. */
  rules: readonly AlertRule[];
  /** Where alerts go. Default: Nest's logger. */
  channels?: readonly AlertChannel[];
  /**
   * How often rates, use and conditions are looked at.
   * @default '5s'
   */
  every?: Duration;
}

interface AlertsSettings {
  readonly rules: unknown;
  readonly channels?: readonly AlertChannel[];
  readonly every: number;
}

const isChannel = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && typeof (value as Partial<AlertChannel>).send === 'function';

const RULES: Rules = {
  // Read by `readRules`, which names each of them.
  rules: rule('a list of rules', (value) => value, { isFunction: true }),
  channels: rule('a list of at least one channel', (value) =>
    Array.isArray(value) && value.length > 0 && value.every(isChannel) ? (value as readonly AlertChannel[]) : undefined,
  ),
  every: duration({ default: '5s' }),
};

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResilienceAlertsOptions>({ moduleName: 'ResilienceAlerts' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResilienceAlertsOptions')
    .build();

/** Names of rules in use, of each application: several modules may bring rules of their own. */
const takenNames = new WeakMap<ResilienceService, Set<string>>();

/**
 * Turns what policies do into notifications, with a threshold, a quiet period and a notice of recovery:
 * `ResilienceAlertsModule.register({ rules: [onOpenCircuit({ name: 'circuits' })], channels: [webhookChannel({ url })] })`.
 */
@Module({})
export class ResilienceAlertsModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = guardedLogger(new NestLogger('ResilienceAlerts'));
  private rules: readonly RuleSettings[] = [];
  private deliveries: Deliveries | undefined;
  private everyMs = 0;
  private readonly stops: (() => void)[] = [];
  private readonly watched: { readonly rule: RuleSettings; readonly detector: Detector; readonly book: AlertState }[] = [];
  private timer: TimerHandle;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResilienceAlertsOptions,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
  }

  static override register(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.register(options);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.registerAsync(options);
  }

  /** @throws ResilienceConfigError with every mistake in rules and channels. */
  onModuleInit(): void {
    const { events, clock } = this.resilience.environment;
    const { logger } = this;
    const { rules, channels, every } = readAlertsOptions(this.options);
    this.takeNames(rules);
    this.rules = rules;
    this.everyMs = every;
    const deliveries = (this.deliveries = new Deliveries(channels, clock, logger));
    const reader = {
      tell: (alert: Alert) => deliveries.tell(alert),
      heldBack: (name: string) =>
        logger.warn(`${name}: many subjects at a time; alerts of some are held back, and follow minute by minute while they last`),
    };
    for (const rule of this.rules) {
      const book = new AlertState(rule, clock, reader);
      const detector = detectorOf(rule, book, this.resilience);
      this.watched.push({ rule, detector, book });
      const { wants } = detector;
      if (wants !== undefined) this.stops.push(events.listen((event) => detector.hear?.(event), { wants }));
      if (detector.stop !== undefined) this.stops.push(() => detector.stop!());
    }
  }

  /** The looks begin when all modules have: where one of them fails, nobody would stop them. */
  onApplicationBootstrap(): void {
    this.wait();
    for (const unknown of unknownNames(this.rules, this.resilience)) this.resilience.environment.logger.warn(unknown);
  }

  async onApplicationShutdown(): Promise<void> {
    if (this.timer !== undefined) this.resilience.environment.clock.clearTimer(this.timer);
    this.watched.length = 0;
    for (const stop of this.stops.splice(0)) stop();
    await this.deliveries?.close();
  }

  /** @throws ResilienceConfigError where another module of the application has a rule of the same name. */
  private takeNames(rules: readonly RuleSettings[]): void {
    const names = takenNames.get(this.resilience) ?? new Set();
    takenNames.set(this.resilience, names);
    const twice = rules.filter(({ name }) => names.has(name)).map(({ name }) => name);
    if (twice.length > 0) {
      throw new ResilienceConfigError(
        twice.map(
          (name) => `ResilienceAlertsModule.register: another module has a rule called "${name}" already, and alerts would come twice`,
        ),
      );
    }
    for (const { name } of rules) names.add(name);
  }

  private wait(): void {
    this.timer = this.resilience.environment.clock.setTimer(() => this.look(), this.everyMs);
  }

  /** One look of every detector. */
  private look(): void {
    this.timer = undefined;
    for (const { rule, detector, book } of this.watched) {
      try {
        detector.look?.();
      } catch (error) {
        this.resilience.environment.callbackFailed(`alert rule "${rule.name}"`, undefined, error);
      }
      book.review();
    }
    if (this.watched.length > 0) this.wait();
  }
}

interface ReadAlerts {
  readonly rules: readonly RuleSettings[];
  readonly channels: readonly AlertChannel[];
  readonly every: number;
}

function readAlertsOptions(options: unknown): ReadAlerts {
  const problems = new Problems();
  const read = problems.at('ResilienceAlertsModule.register:', (found): ReadAlerts => {
    const { rules, channels = [loggerChannel()], every } = readSettings<AlertsSettings>(RULES, options, found);
    const checked = readRules(rules, found);
    for (const channel of channels) {
      const problems: unknown = channel.problems?.() ?? [];
      if (Array.isArray(problems)) for (const problem of problems) found.add(`channel ${channel.name}: ${String(problem)}`);
      else found.add(`channel ${channel.name}: problems() must give a list of sentences, got ${formatValue(problems)}`);
    }
    return { rules: checked, channels, every };
  });
  if (problems.messages.length > 0) throw new ResilienceConfigError(problems.messages);
  return read;
}
