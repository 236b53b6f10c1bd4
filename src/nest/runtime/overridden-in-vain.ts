import { MODULE_BRAND } from './keys.js';

/** What a test said with `overrideModule`; Nest keeps it for lazy modules. */
interface Overriding {
  readonly moduleOverrides?: readonly { readonly moduleToReplace?: unknown }[];
}

/** Nest compares modules by identity, so the class is never the module that `forRoot` made. */
export function isOverriddenInVain(loader: object): boolean {
  const { moduleOverrides = [] } = loader as Overriding;
  return moduleOverrides.some(({ moduleToReplace }) => typeof moduleToReplace === 'function' && MODULE_BRAND in moduleToReplace);
}
