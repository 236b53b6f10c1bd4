import { Program } from '../processes.js';
import { Traffic, type Sample } from '../traffic.js';

/** One shop of several, its customers, and what became of them. */
export class ShopInstance {
  readonly shop = new Program('../main.js', { SHOP_LOG: 'off' });
  readonly samples: Sample[] = [];
  vouchers = 0;
  private traffic: Traffic | undefined;

  constructor(readonly name: string) {}

  async start(settings: Record<string, string>, perSecond: number): Promise<void> {
    await this.shop.start(settings);
    await fetch(`${this.shop.url}/orders`, { method: 'POST' }); // compiled at the first call
    this.traffic = new Traffic('protected', `${this.shop.url}/orders`, perSecond, (sample) => this.samples.push(sample));
    this.traffic.start();
  }

  /** Asks for a voucher so many times within a second or two. */
  async drawVouchers(times: number): Promise<void> {
    const draw = async (): Promise<void> => {
      const { status } = await fetch(`${this.shop.url}/vouchers`, { method: 'POST' });
      if (status === 201) this.vouchers++;
    };
    const asked: Promise<void>[] = [];
    for (let count = 0; count < times; count++) {
      asked.push(draw());
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all(asked);
  }

  stopTraffic(): Promise<void> {
    return this.traffic?.stop() ?? Promise.resolve();
  }

  /** When it told of something for the first time since a moment; undefined where it did not. */
  firstOf(type: string, since: number): number | undefined {
    return this.shop.events.find((event) => event.type === type && event.at >= since)?.at;
  }

  count(status: number): number {
    return this.samples.filter((sample) => sample.status === status).length;
  }

  get lost(): number {
    return this.samples.length - this.count(201) - this.count(202);
  }

  /** Orders that were queued and are not paid yet, and those that are. */
  async queue(): Promise<{ readonly waiting: number; readonly paid: number }> {
    return (await (await fetch(`${this.shop.url}/orders/queued`)).json()) as { waiting: number; paid: number };
  }
}
