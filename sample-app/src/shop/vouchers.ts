import { Controller, Inject, Injectable, Post } from '@nestjs/common';
import { RateLimit } from 'nestjs-bulwark';

/** Vouchers of the campaign, over all shops. */
export const VOUCHERS = 100;

/** Gives vouchers away, as many as the campaign has and not one more. */
@Injectable()
export class Vouchers {
  @RateLimit({ name: 'vouchers', limit: VOUCHERS, per: '1h', algorithm: 'fixed-window' })
  async draw(): Promise<string> {
    return 'ten per cent off';
  }
}

/** `POST /vouchers`: 201 with one, or 429 when all are gone. */
@Controller('vouchers')
export class VouchersController {
  constructor(@Inject(Vouchers) private readonly vouchers: Vouchers) {}

  @Post()
  async draw() {
    return { voucher: await this.vouchers.draw() };
  }
}
