import { ConfigurableModuleBuilder } from '@nestjs/common';
import type { ResilienceOptions } from '../resilience-options.js';
import type { Unmanaged } from './runtime.js';

/** What `ResilienceModule.forRoot` takes. */
export interface ResilienceModuleOptions extends ResilienceOptions {
  /**
   * What happens when a decorated method runs on an instance that Nest did not make: it says so once a class, says
   * nothing, or throws.
   * @default 'warn'
   */
  unmanaged?: Unmanaged;
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
