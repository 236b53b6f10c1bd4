/** `nestjs-bulwark/testing`: time and chance under a test's control. */
export { FakeClock } from './fake-clock.js';
export { seededRandom } from './seeded-random.js';
