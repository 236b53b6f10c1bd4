import type { Waiter } from '../waiting/waiter.js';
import type { Substitute } from './verdict.js';

/**
 * May the attempt start? Yes (undefined), no (the error to answer with), wait, or it is answered already: by a value, which
 * the layers outside are told as a success, or by a substitute that throws, which they are told as a failure of the method.
 * A layer that answers has let nothing pass, and is told nothing.
 */
export type Admission = Error | Waiter | Substitute | undefined;
