import { afterAll, afterEach } from '@jest/globals';

/** An unhandled rejection, or a warning that the library did not mean to give, fails the test that caused it. */
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};
process.on('unhandledRejection', onRejection);

afterEach(async () => {
  await new Promise((resolve) => setImmediate(resolve));
  const [first] = rejections.splice(0);
  if (first !== undefined) throw new Error('an unhandled rejection', { cause: first });
});

afterAll(() => {
  process.off('unhandledRejection', onRejection);
});
