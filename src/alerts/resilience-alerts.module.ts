import {
  ConfigurableModuleBuilder,
  Inject,
  Logger,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type OnModuleInit,
} from '@nestjs/common';
import type { Duration } from '../core.js';
import type { TimerHandle } from '../engine/clock.js';
import { ResilienceService } from '../index.js';
import { parseDuration } from '../options/index.js';
import type { Alert, AlertChannel } from './alert.js';
import { AlertBook } from './alert-book.js';
import { checkRules } from './check-rules.js';
import { detectorOf, type Detector } from './detectors.js';
import { loggerChannel } from './logger-channel.js';
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

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResilienceAlertsOptions>({ moduleName: 'ResilienceAlerts' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResilienceAlertsOptions')
    .build();

/**
 * Turns what policies do into notifications, with a threshold, a quiet period and a notice of recovery:
 * `ResilienceAlertsModule.register({ rules: [onOpenCircuit({ name: 'circuits' })], channels: [webhookChannel({ url })] })`.
 */
@Module({})
export class ResilienceAlertsModule extends ConfigurableModuleClass implements OnModuleInit, OnApplicationShutdown {
  private readonly logger = new Logger('ResilienceAlerts');
  private readonly channels: readonly AlertChannel[];
  private readonly everyMs: number;
  private readonly stops: (() => void)[] = [];
  private readonly watched: { readonly rule: AlertRule; readonly detector: Detector; readonly book: AlertBook }[] = [];
  private timer: TimerHandle;

  constructor(
    @Inject(MODULE_OPTIONS_TOKEN) private readonly options: ResilienceAlertsOptions,
    @Inject(ResilienceService) private readonly resilience: ResilienceService,
  ) {
    super();
    const { rules, channels = [loggerChannel()], every = '5s' } = options;
    checkRules(rules, channels, every);
    this.channels = channels;
    this.everyMs = parseDuration(every)!;
  }

  static override register(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.register(options);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.registerAsync(options);
  }

  onModuleInit(): void {
    const { events, clock } = this.resilience.environment;
    for (const rule of this.options.rules) {
      const { name, severity = 'warning', quiet = '5m' } = rule;
      const book = new AlertBook({ rule: name, severity, quietMs: parseDuration(quiet)! }, clock, (alert) => this.tell(alert));
      const detector = detectorOf(rule, book, this.resilience);
      this.watched.push({ rule, detector, book });
      const { wants } = detector;
      if (wants !== undefined) this.stops.push(events.listen((event) => detector.hear?.(event), { wants }));
    }
    this.wait();
  }

  async onApplicationShutdown(): Promise<void> {
    for (const stop of this.stops.splice(0)) stop();
    if (this.timer !== undefined) this.resilience.environment.clock.clearTimer(this.timer);
    this.watched.length = 0;
    await Promise.all(this.channels.map(async (channel) => channel.close?.()));
  }

  private wait(): void {
    this.timer = this.resilience.environment.clock.setTimer(() => void this.look(), this.everyMs);
  }

  /** One look of every detector; the next one comes when this one is over. */
  private async look(): Promise<void> {
    this.timer = undefined;
    for (const { rule, detector, book } of this.watched) {
      try {
        await detector.look?.();
        book.review();
      } catch (error) {
        this.resilience.environment.callbackFailed(`alert rule "${rule.name}"`, undefined, error);
      }
    }
    if (this.watched.length > 0) this.wait();
  }

  private tell(alert: Alert): void {
    for (const channel of this.channels) void this.hand(channel, alert);
  }

  private async hand(channel: AlertChannel, alert: Alert): Promise<void> {
    try {
      await channel.send(alert);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.logger.warn(`${alert.rule} ${alert.status} did not reach ${channel.name}: ${why}`);
    }
  }
}
