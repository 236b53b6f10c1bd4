import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { Duration } from '../options/index.js';
import type { ResilienceOptions } from '../application/options.js';
import type { Unmanaged } from './runtime/runtime.js';

/** What `ResilienceModule.forRoot` takes. */
export interface ResilienceModuleOptions extends ResilienceOptions {
  /**
   * What happens when a decorated method runs on an instance that Nest did not make: it says so once a class, says
   * nothing, or throws.
   * @default 'warn'
   */
  unmanaged?: Unmanaged;
  /**
   * How long a shutdown waits for who waits for a permit (they are turned away then) and for calls that run (they keep their
   * limits). `0` turns who waits away at once, and is the default where the application brings a `clock` of its own (a test).
   * @default '5s'
   */
  drainTimeout?: Duration;
  /**
   * Writes to the log what happens: changes of state as warnings, attempts and rejections at debug level, of each type of event
   * ten lines in ten seconds at most and one that sums up the others.
   * @default true
   */
  logs?: boolean;
}

/** What is said where the module is imported, and not by the options. */
export interface ResilienceModuleExtras {
  /**
   * Usable in every module of the application.
   * @default true
   */
  isGlobal?: boolean;
}

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<ResilienceModuleOptions>({ moduleName: 'Resilience' })
    .setClassMethodName('forRoot')
    .setFactoryMethodName('createResilienceOptions')
    .setExtras<ResilienceModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal ?? true }))
    .build();
