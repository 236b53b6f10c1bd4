export * from './composite-rules.js';
export * from './duration.js';
export type { Key } from './key.js';
export * from './nearest.js';
export * from './problems.js';
export * from './rules.js';
export * from './failure-options.js';
export * from './quote-text.js';
export * from './settings.js';
