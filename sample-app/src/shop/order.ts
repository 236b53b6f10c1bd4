/** What a customer orders. */
export interface Order {
  readonly id: string;
  readonly sku: string;
  readonly amount: number;
}

/** How the payment of an order went. */
export interface Payment {
  readonly state: 'charged' | 'queued';
  readonly receipt?: string;
}

/** How much is in stock, and whether that is known for sure. */
export interface Stock {
  readonly available: number;
  readonly stale: boolean;
}
