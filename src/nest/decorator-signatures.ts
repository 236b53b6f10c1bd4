import type { Observable } from 'rxjs';

/** A method that can be protected. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** What a method gives in the end. */
export type ResultOf<Method extends AsyncMethod> = ReturnType<Method> extends Observable<infer Value> ? Value : Awaited<ReturnType<Method>>;

type AnyClass = abstract new (...args: never[]) => object;

/** Nothing more to ask where functions of the options take the method's arguments and judge its result. */
type Fits<Args extends readonly unknown[], Result, Method extends AsyncMethod> = ((...args: Args) => void) extends (
  ...args: Parameters<Method>
) => void
  ? [ResultOf<Method>] extends [Result]
    ? unknown
    : { readonly mistake: 'a function of the options expects another result than this method gives' }
  : { readonly mistake: 'a function of the options expects other arguments than this method takes' };

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

/** Nothing more to ask where a fallback takes the method's arguments and gives what the method gives. */
type Replaces<Args extends readonly unknown[], Result, Method extends AsyncMethod> = ((...args: Args) => void) extends (
  ...args: Parameters<Method>
) => void
  ? [Result] extends [ResultOf<Method> | ReturnType<Method>]
    ? unknown
    : { readonly mistake: 'the fallback gives something else than this method' }
  : { readonly mistake: 'the fallback expects other arguments than this method takes' };

/** `@Fallback` with a function or a value. */
export interface FallbackDecorator<Args extends readonly unknown[], Result> {
  <Class extends AnyClass>(target: Class): void;
  <Method extends AsyncMethod>(
    target: object,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & Replaces<Args, Result, Method>,
  ): void;
}

/** `@Fallback` with the name of a public method of the class. */
export interface FallbackMethodDecorator<Name extends string> {
  <Class extends abstract new (...args: never[]) => Record<Name, (...args: never[]) => unknown>>(target: Class): void;
  <Method extends AsyncMethod>(
    target: Record<Name, (...args: never[]) => unknown>,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void;
}
