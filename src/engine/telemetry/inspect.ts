/** What `console.log` asks an object for; Node's own symbol, without Node's module. */
export const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** `util.inspect`, as Node hands it to the one who is asked. */
export type Inspect = (value: unknown, options: object) => string;
