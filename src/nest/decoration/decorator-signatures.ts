import type { Observable } from 'rxjs';

/** A method that can be protected. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** What a method gives in the end. */
export type ResultOf<Method extends AsyncMethod> = ReturnType<Method> extends Observable<infer Value> ? Value : Awaited<ReturnType<Method>>;

/** Any class, also an abstract one. */
export type AnyClass = abstract new (...args: never[]) => object;

/**
 * What functions of the options say about arguments. As a filter, TypeScript takes a class such as `TypeError` for a predicate too,
 * with the arguments of its constructor; and a constant of type `RetryOptions`, shared by many methods, says nothing of any.
 */
export type OwnArguments<Args extends readonly unknown[]> = SaysNothing<Args> extends true ? readonly unknown[] : Args;
type SaysNothing<Args extends readonly unknown[]> = [Args] extends [[(ErrorOptions | undefined)?]]
  ? [[(ErrorOptions | undefined)?]] extends [Args]
    ? true
    : false
  : [Args] extends [readonly never[]]
    ? number extends Args['length']
      ? true
      : false
    : false;

/** Nothing more to ask where functions of the options take the method's arguments and judge its result. */
type Fits<Args extends readonly unknown[], Result, Method extends AsyncMethod> = ((...args: OwnArguments<Args>) => void) extends (
  ...args: Parameters<Method>
) => void
  ? [ResultOf<Method>] extends [Result]
    ? unknown
    : {
        readonly mistake: 'a function of the options expects another result than this method gives';
      }
  : {
      readonly mistake: 'a function of the options expects other arguments than this method takes';
    };

/** A decorator for async methods, and for classes that have some. */
export interface PolicyDecorator<
  Args extends readonly unknown[] = readonly unknown[],
  Result = unknown,
  OtherArgs extends readonly unknown[] = readonly unknown[],
> {
  <Class extends AnyClass>(target: Class): void;
  <Method extends AsyncMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Fits<Args, Result, Method> & Fits<OtherArgs, unknown, Method>,
  ): void;
}
