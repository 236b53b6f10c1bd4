import { randomUUID } from 'node:crypto';
import { Body, Controller, Get, Inject, Post, Res } from '@nestjs/common';
import { InventoryClient } from './inventory.client.js';
import type { Order, Payment, Stock } from './order.js';
import { OverdueCharges } from './overdue-charges.js';
import { PaymentsClient } from './payments.client.js';
import { UnprotectedClient } from './unprotected.client.js';

/** The body of an order; a real shop would validate it. */
interface OrderRequest {
  readonly sku?: string;
  readonly amount?: number;
}

/** The part of a response that is needed here; Express and Fastify have it both. */
interface Answer {
  status(code: number): unknown;
}

async function place(
  { sku = 'umbrella', amount = 19 }: OrderRequest,
  clients: { charge(order: Order): Promise<Payment>; stockOf(sku: string): Promise<Stock> },
  answer: Answer,
) {
  const order: Order = { id: randomUUID(), sku, amount };
  const [stock, payment] = await Promise.all([clients.stockOf(sku), clients.charge(order)]);
  answer.status(payment.state === 'charged' ? 201 : 202);
  return { order: order.id, payment, stock };
}

/** `POST /orders`: 201 where the order is paid, 202 where the payment follows later. `GET /orders/queued`: how that goes. */
@Controller('orders')
export class OrdersController {
  constructor(
    @Inject(PaymentsClient) private readonly payments: PaymentsClient,
    @Inject(InventoryClient) private readonly inventory: InventoryClient,
    @Inject(OverdueCharges) private readonly overdue: OverdueCharges,
  ) {}

  @Get('queued')
  queued() {
    return { waiting: this.overdue.waiting, paid: this.overdue.paid };
  }

  @Post()
  create(@Body() request: OrderRequest = {}, @Res({ passthrough: true }) answer: Answer) {
    const clients = { charge: (order: Order) => this.payments.charge(order), stockOf: (sku: string) => this.inventory.stockOf(sku) };
    return place(request, clients, answer);
  }
}

/** `POST /unprotected/orders`: the same without protection. */
@Controller('unprotected/orders')
export class UnprotectedOrdersController {
  constructor(@Inject(UnprotectedClient) private readonly client: UnprotectedClient) {}

  @Post()
  create(@Body() request: OrderRequest = {}, @Res({ passthrough: true }) answer: Answer) {
    return place(request, this.client, answer);
  }
}
