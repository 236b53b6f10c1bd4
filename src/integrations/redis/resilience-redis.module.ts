import { ConfigurableModuleBuilder, Module, type DynamicModule } from '@nestjs/common';
import type { ResilienceStore } from '../../core.js';
import { STORE_TOKEN } from '../../nest/runtime/keys.js';
import { openRedisStore } from './redis-store.js';
import { readRedisStoreOptions, type RedisStoreOptions } from './options.js';

export const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN, OPTIONS_TYPE, ASYNC_OPTIONS_TYPE } =
  new ConfigurableModuleBuilder<RedisStoreOptions>({ moduleName: 'ResilienceRedis' })
    .setClassMethodName('register')
    .setFactoryMethodName('createResilienceRedisOptions')
    .setExtras({}, (definition) => ({ ...definition, global: true }))
    .build();

/** @throws ResilienceConfigError with every mistake. */
function storeOf(options: RedisStoreOptions): ResilienceStore {
  const settings = readRedisStoreOptions(options, 'ResilienceRedisModule.register');
  return { open: (environment) => openRedisStore(settings, environment) };
}

/**
 * Brings the state that instances share: `imports: [ResilienceModule.forRoot(), ResilienceRedisModule.register({ url, group })]`, once
 * and in either order. It only says where the store is; `ResilienceModule` opens it, waits for it at the start, and closes it after
 * the last call. A `store` of `forRoot` is stronger.
 */
@Module({
  providers: [{ provide: STORE_TOKEN, inject: [MODULE_OPTIONS_TOKEN], useFactory: storeOf }],
  exports: [STORE_TOKEN],
})
export class ResilienceRedisModule extends ConfigurableModuleClass {
  static override register(options: typeof OPTIONS_TYPE): DynamicModule {
    return super.register(options);
  }

  static override registerAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return super.registerAsync(options);
  }
}
