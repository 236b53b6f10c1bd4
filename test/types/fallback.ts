/** `@Fallback`: what must compile, and what must not, with the reason in the error. Checked by `tsc`. */
import { of, type Observable } from 'rxjs';
import { Attempt, CircuitBreaker, Fallback, Retry, type AttemptContext } from '../../src/index.js';

interface Item {
  readonly id: string;
  readonly stale?: boolean;
}
class Gone extends Error {
  readonly gone = true;
}
class Hidden {
  private readonly secret = 1;
  reveal(): number {
    return this.secret;
  }
}

export class Good {
  @Fallback('known')
  async byName(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ tiers: ['known'] })
  async oneTier(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ tiers: ['known', 'other'] })
  async twoTiers(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ tiers: ['known', { value: { id: '' } }] })
  async mixedTiers(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ tiers: ['known'], on: TypeError })
  async filtered(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ tiers: [{ on: TypeError, use: 'known' }, 'other'] })
  async byError(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({
    tiers: [(_error: unknown, id: string) => ({ id }), 'known'],
    validate: (item) => item.id !== '',
  })
  async validated(id: string): Promise<Item> {
    return { id };
  }

  @Fallback({ value: 'none' })
  async ofUnion(): Promise<'a' | 'none'> {
    return 'a';
  }

  @Fallback({ value: { state: 'none' } })
  async ofNestedUnion(): Promise<{ state: 'a' | 'none' }> {
    return { state: 'a' };
  }

  @Fallback({ value: [] })
  async emptyList(): Promise<Item[]> {
    return [];
  }

  @Fallback({ value: ['a', 'b'] })
  async list(): Promise<string[]> {
    return [];
  }

  @Fallback({ value: new Hidden() })
  async instance(): Promise<Hidden> {
    return new Hidden();
  }

  @Fallback({ value: undefined })
  async nothing(): Promise<string | undefined> {
    return '';
  }

  @Fallback(() => 'none' as const)
  async functionOfUnion(): Promise<'a' | 'none'> {
    return 'a';
  }

  @Fallback(() => undefined)
  async quiet(): Promise<void> {}

  @Fallback('stream')
  watch(_id: string): Observable<Item> {
    return of();
  }

  @Fallback('known')
  watchOnce(id: string): Observable<Item> {
    return of({ id });
  }

  @Fallback('withoutOption')
  async optional(id: string, _stale?: boolean): Promise<Item> {
    return { id };
  }

  @Fallback('withOption')
  async optionalGiven(id: string, _stale?: boolean): Promise<Item> {
    return { id };
  }

  @Fallback('known')
  async withAttempt(id: string, @Attempt() _attempt?: AttemptContext): Promise<Item> {
    return { id };
  }

  @Fallback('withError')
  async errorAsError(id: string): Promise<Item> {
    return { id };
  }

  @Fallback('whenGone')
  async errorOfAClass(id: string): Promise<Item> {
    return { id };
  }

  @Fallback('bare')
  async fewerArguments(id: string): Promise<Item> {
    return { id };
  }

  async known(id: string): Promise<Item> {
    return { id, stale: true };
  }

  async other(id: string, _error: unknown): Promise<Item> {
    return { id };
  }

  async withError(id: string, { message }: Error): Promise<Item> {
    return { id: id + message };
  }

  async whenGone(id: string, _error: Gone): Promise<Item> {
    return { id };
  }

  async withoutOption(id: string, _error: unknown): Promise<Item> {
    return { id };
  }

  async withOption(id: string, _stale: boolean | undefined, _error: unknown): Promise<Item> {
    return { id };
  }

  bare(): Item {
    return { id: '' };
  }

  stream(id: string): Observable<Item> {
    return of({ id });
  }
}

export class Bad {
  // @ts-expect-error takes other arguments
  @Fallback('ofNumber')
  async otherArguments(id: string): Promise<Item> {
    return { id };
  }

  // @ts-expect-error takes a plain value where the error comes
  @Fallback('ofTwo')
  async errorIsNoNumber(id: string): Promise<Item> {
    return { id };
  }

  // @ts-expect-error gives something else
  @Fallback('givesNumber')
  async otherResult(id: string): Promise<Item> {
    return { id };
  }

  // @ts-expect-error there is no such method
  @Fallback({ tiers: ['nowhere'] })
  async noSuchTier(id: string): Promise<Item> {
    return { id };
  }

  // @ts-expect-error the second one takes other arguments
  @Fallback({ tiers: ['fine', 'ofNumber'] })
  async wrongTier(id: string): Promise<Item> {
    return { id };
  }

  // @ts-expect-error another value than the union has
  @Fallback({ value: 'nothing' })
  async otherValue(): Promise<'a' | 'none'> {
    return 'a';
  }

  // @ts-expect-error the method is private
  @Fallback({ tiers: ['hidden'] })
  async hiddenTier(id: string): Promise<Item> {
    return this.hidden(id);
  }

  async ofNumber(_amount: number): Promise<Item> {
    return { id: '' };
  }

  async ofTwo(id: string, _count: number): Promise<Item> {
    return { id };
  }

  async givesNumber(_id: string): Promise<number> {
    return 1;
  }

  async fine(id: string): Promise<Item> {
    return { id };
  }

  private async hidden(id: string): Promise<Item> {
    return { id };
  }
}

export class Filters {
  @Retry({ on: TypeError, ignore: [RangeError] })
  @CircuitBreaker({ on: TypeError })
  async ofAnErrorClass(id: string): Promise<string> {
    return id;
  }

  @Retry({ on: (_error: unknown, item: Item) => item.stale === true })
  async ofArguments(_item: Item): Promise<void> {}

  // @ts-expect-error the filter takes other arguments
  @Retry({ on: (_error: unknown, item: Item) => item.stale === true })
  async ofOtherArguments(_id: number): Promise<void> {}
}
