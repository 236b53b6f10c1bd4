/** The reference for Observables: one `map` operator. Subscribing gives one value and completes, in one turn. */
import { map, of } from 'rxjs';

/** An Observable as an awaitable call, so that it can be measured beside the others. */
export const consumed = (make) => (value) => {
  let result;
  make(value).subscribe((given) => (result = given));
  return result;
};

export const source = (value) => of(value);
export const mapped = consumed((value) => source(value).pipe(map((given) => given)));
