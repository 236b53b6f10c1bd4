/** `nestjs-bulwark/testing`: time and chance under a test's control. Needs no Nest, like `nestjs-bulwark/core`. */
export { FakeClock } from './fake-clock.js';
export { memoryStore, type MemoryStoreOptions } from './memory-store/memory-store.js';
export { seededRandom } from './seeded-random.js';
