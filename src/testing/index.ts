/** `nestjs-bulwark/testing`: time and chance under a test's control. Needs no Nest, like `nestjs-bulwark/core`. */
export { FakeClock } from './fake-clock.js';
export { seededRandom } from './seeded-random.js';
