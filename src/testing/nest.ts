/** `nestjs-bulwark/testing/nest`: the module for unit tests of Nest providers, with all of `nestjs-bulwark/testing`. */
export * from './index.js';
export { ResilienceTestingModule, type ResilienceTestingOptions } from './resilience-testing.module.js';
