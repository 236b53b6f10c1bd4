/**
 * The names under which two copies of the library in one process (the ESM and the CommonJS build) find each other. Nest
 * prints the first two when ResilienceModule is missing, so they read as sentences.
 */

/** The property of an instance that holds its runtime. */
export const RUNTIME_KEY = Symbol.for('ResilienceModule.forRoot() is missing');

/** The property by which an instance that listens to events tells the runtime that it is there. */
export const LISTENER_KEY = Symbol.for('nestjs-bulwark: listens to events');

/** The provider of the runtime. */
export const RUNTIME_TOKEN = Symbol.for(
  'the runtime of nestjs-bulwark: import ResilienceModule.forRoot() in the root module (and in the module of a unit test)',
);

/** Marks a runtime: whatever else is injected (a mock) is not taken for one. */
export const RUNTIME_BRAND = Symbol.for('nestjs-bulwark: runtime');

/** The provider of the store of shared state, where a module brings one. */
export const STORE_TOKEN = Symbol.for('nestjs-bulwark: store');

/** Marks the module class. */
export const MODULE_BRAND = Symbol.for('nestjs-bulwark: module');

/** Marks controllers and handlers that protections of a whole application leave alone. */
export const SKIP_KEY = Symbol.for('nestjs-bulwark: skip');
