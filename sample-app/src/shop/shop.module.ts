import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { ResilienceModule } from 'nestjs-bulwark';
import { onErrorRate, onOpenCircuit, ResilienceAlertsModule } from 'nestjs-bulwark/alerts';
import { ResilienceExceptionFilter } from 'nestjs-bulwark/http';
import { ResilienceOpenTelemetryModule } from 'nestjs-bulwark/opentelemetry';
import { ResiliencePrometheusModule } from 'nestjs-bulwark/prometheus';
import { ResilienceHealthModule } from 'nestjs-bulwark/terminus';
import { HealthController } from './health.controller.js';
import { InventoryClient } from './inventory.client.js';
import { OrdersController, UnprotectedOrdersController } from './orders.controller.js';
import { OverdueCharges } from './overdue-charges.js';
import { PaymentsClient } from './payments.client.js';
import { PROVIDER_URL } from './provider.js';
import { SHARED, storeOf } from './sharing.js';
import { UnprotectedClient } from './unprotected.client.js';
import { Vouchers, VouchersController } from './vouchers.js';

@Module({})
export class ShopModule {
  /** The shop that buys from the provider at that address; one of several where a Redis is named. */
  static with(providerUrl: string, redisUrl?: string): DynamicModule {
    return {
      module: ShopModule,
      imports: [
        ResilienceModule.forRoot(redisUrl === undefined ? {} : { overrides: SHARED }),
        ...storeOf(redisUrl),
        ResilienceHealthModule,
        TerminusModule.forRoot({ logger: false }),
        ResiliencePrometheusModule.register({ path: 'metrics', clients: 10 }),
        ResilienceOpenTelemetryModule.register({ metrics: false }),
        ResilienceAlertsModule.register({
          rules: [
            onOpenCircuit({ name: 'open-circuit', severity: 'critical', repeatInterval: '10s' }),
            onErrorRate({ name: 'lost-orders', above: 0.01, over: '10s' }),
          ],
        }),
      ],
      controllers: [OrdersController, UnprotectedOrdersController, VouchersController, HealthController],
      providers: [
        { provide: PROVIDER_URL, useValue: providerUrl },
        { provide: APP_FILTER, useClass: ResilienceExceptionFilter },
        PaymentsClient,
        OverdueCharges,
        InventoryClient,
        UnprotectedClient,
        Vouchers,
      ],
    };
  }
}
