/** `nestjs-bulwark/testing`: time and chance under a test's control, and the module for unit tests. */
export { FakeClock } from './fake-clock.js';
export { seededRandom } from './seeded-random.js';
export { ResilienceTestingModule, type ResilienceTestingOptions } from './resilience-testing.module.js';
