import { Inject } from '@nestjs/common';

/** Where the payment and stock provider listens. */
export const PROVIDER_URL = Symbol('where the provider listens');
export const InjectProviderUrl = (): ParameterDecorator & PropertyDecorator => Inject(PROVIDER_URL);

/** An answer of the provider that is no success. Has what retrying looks at: the status and the headers. */
export class ProviderError extends Error {
  readonly response: { readonly status: number; readonly headers: Headers };

  constructor({ status, headers }: Response) {
    super(`the provider answered ${status}`);
    this.response = { status, headers };
  }
}

/** Calls the provider. `side` tells it whether the protected or the unprotected half of the shop calls. */
export async function callProvider<Body>(url: string, side: 'protected' | 'unprotected', init: RequestInit = {}): Promise<Body> {
  const response = await fetch(url, { ...init, headers: { 'content-type': 'application/json', 'x-side': side } });
  if (!response.ok) {
    await response.body?.cancel();
    throw new ProviderError(response);
  }
  return (await response.json()) as Body;
}
