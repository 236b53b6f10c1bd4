import { Module, type DynamicModule } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { ResilienceModule } from 'nestjs-bulwark';
import { ResilienceHealthModule } from 'nestjs-bulwark/terminus';
import { HealthController } from './health.controller.js';
import { InventoryClient } from './inventory.client.js';
import { OrdersController, UnprotectedOrdersController } from './orders.controller.js';
import { PaymentsClient } from './payments.client.js';
import { PROVIDER_URL } from './provider.js';
import { UnprotectedClient } from './unprotected.client.js';

@Module({})
export class ShopModule {
  /** The shop that buys from the provider at that address. */
  static with(providerUrl: string): DynamicModule {
    return {
      module: ShopModule,
      imports: [ResilienceModule.forRoot(), ResilienceHealthModule, TerminusModule.forRoot({ logger: false })],
      controllers: [OrdersController, UnprotectedOrdersController, HealthController],
      providers: [{ provide: PROVIDER_URL, useValue: providerUrl }, PaymentsClient, InventoryClient, UnprotectedClient],
    };
  }
}
