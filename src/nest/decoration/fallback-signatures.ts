import type { Observable } from 'rxjs';
import type { AttemptContext } from '../../engine/call/attempt-context.js';
import type { AnyClass, AsyncMethod, OwnArguments, ResultOf } from './decorator-signatures.js';

/** Whatever there is. Written so, TypeScript infers `'none'` and not `string` from a value. */
export type AnyValue = string | number | boolean | bigint | symbol | object | null | undefined | void;

type AnyFunction = (...args: never[]) => unknown;

/** The arguments as a caller may give them: all, or without those at the end that can be left out (as the attempt context). */
type Given<Args extends readonly unknown[]> = Args | WithoutOptional<Args>;
type WithoutOptional<Args extends readonly unknown[]> = Args extends readonly [infer First, ...infer WaitingFor]
  ? [First, ...WithoutOptional<WaitingFor>]
  : Args extends readonly [(infer Optional)?, ...infer WaitingFor]
    ? number extends Args['length']
      ? Args
      : [Optional] extends [AttemptContext | undefined]
        ? []
        : [] | [Optional, ...WithoutOptional<WaitingFor>]
    : Args;

type Takes<Use extends AnyFunction, Args extends readonly unknown[]> = ((...args: Parameters<Use>) => void) extends (...args: Args) => void
  ? true
  : never;

/** The arguments, then the error: as `unknown`, as `Error`, or as the class of error that the fallback is for. */
type TakesCall<Use extends AnyFunction, Args extends readonly unknown[]> = Args extends readonly unknown[]
  ? Takes<Use, [...Args, ErrorTaken<Parameters<Use>[Args['length']]>]>
  : never;
type ErrorTaken<Parameter> = [Parameter] extends [Error] ? Parameter : Error;

/** What a fallback gives in the end. */
type ValueOf<Given> = Given extends Observable<infer Value> ? Value : Given extends PromiseLike<infer Value> ? Value : Given;

/** A literal as it was written, and as its type would be elsewhere: `readonly [1, 2]` is a list too. */
type Writable<Value> = Value extends AnyFunction
  ? Value
  : Value extends object
    ? { -readonly [Key in keyof Value]: Writable<Value[Key]> }
    : Value;

type Gives<Result, Method extends AsyncMethod> = [AnyValue] extends [Result]
  ? true
  : [ValueOf<Result>] extends [ResultOf<Method>]
    ? true
    : [Writable<ValueOf<Result>>] extends [ResultOf<Method>]
      ? true
      : never;

/** What is wrong with a method of the class as a fallback; nothing where it fits. */
type NamedFits<Name extends string, Target, Method extends AsyncMethod> = string extends Name
  ? unknown
  : [NamedMistake<Name, Target, Method>] extends [never]
    ? unknown
    : NamedMistake<Name, Target, Method>;
type NamedMistake<Name extends string, Target, Method extends AsyncMethod> = {
  [Key in Name]: Key extends keyof Target
    ? Target[Key] extends AnyFunction
      ? [TakesCall<Target[Key], Given<Parameters<Method>>>] extends [never]
        ? {
            readonly mistake: `${Key} takes other arguments than this method (and then the error)`;
          }
        : [Gives<ReturnType<Target[Key]>, Method>] extends [never]
          ? { readonly mistake: `${Key} gives something else than this method` }
          : never
      : { readonly mistake: `${Key} is no method` }
    : { readonly mistake: `the class has no public method ${Key}` };
}[Name];

type FunctionFits<Args extends readonly unknown[], Result, Method extends AsyncMethod> = [
  Takes<(...args: [...OwnArguments<Args>]) => void, Parameters<Method>>,
] extends [never]
  ? {
      readonly mistake: 'the fallback takes other arguments (after the error) than this method';
    }
  : [Gives<Result, Method>] extends [never]
    ? { readonly mistake: 'the fallback gives something else than this method' }
    : unknown;

/** `@Fallback` with a function, a value, or tiers. */
export interface FallbackDecorator<Args extends readonly unknown[], Result, Name extends string = never> {
  <Class extends AnyClass>(target: Class): void;
  <Target extends object, Method extends AsyncMethod>(
    target: Target,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> &
      FunctionFits<Args, Result, Method> &
      ([Name] extends [never] ? unknown : NamedFits<Name, Target, Method>),
  ): void;
}

/** `@Fallback` with the name of a public method of the class. */
export interface FallbackMethodDecorator<Name extends string> {
  <Class extends abstract new (...args: never[]) => Record<Name, AnyFunction>>(target: Class): void;
  <Target extends Record<Name, AnyFunction>, Method extends AsyncMethod>(
    target: Target,
    key: string | symbol,
    descriptor: TypedPropertyDescriptor<Method> & NamedFits<Name, Target, Method>,
  ): void;
}
