import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { PaymentsClient } from './payments.client.js';

const EVERY_MS = 50;
const AT_A_TIME = 10;
/** How long the provider is left alone after a charge that failed. */
const PAUSE_MS = 1000;

/** Works the queue of payments off, once the provider is well again. */
@Injectable()
export class OverdueCharges implements OnApplicationBootstrap, OnApplicationShutdown {
  /** Orders that were queued and have been paid. */
  paid = 0;
  private timer: NodeJS.Timeout | undefined;
  private isBusy = false;
  private notBefore = 0;

  constructor(@Inject(PaymentsClient) private readonly payments: PaymentsClient) {}

  /** Orders that still wait. */
  get waiting(): number {
    return this.payments.queue.length;
  }

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => void this.workOff(), EVERY_MS);
  }

  onApplicationShutdown(): void {
    clearInterval(this.timer);
  }

  private async workOff(): Promise<void> {
    if (this.isBusy || this.waiting === 0 || performance.now() < this.notBefore) return;
    this.isBusy = true;
    const orders = this.payments.queue.splice(0, AT_A_TIME);
    const outcomes = await Promise.allSettled(orders.map((order) => this.payments.collect(order)));
    const failed = orders.filter((_order, index) => outcomes[index]!.status === 'rejected');
    this.paid += orders.length - failed.length;
    this.payments.queue.unshift(...failed);
    if (failed.length > 0) this.notBefore = performance.now() + PAUSE_MS;
    this.isBusy = false;
  }
}
