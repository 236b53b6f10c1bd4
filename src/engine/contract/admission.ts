import type { Waiter } from '../waiting/waiter.js';

/** May the attempt start? Yes (undefined), no (the error to answer with), or wait. */
export type Admission = Error | Waiter | undefined;
