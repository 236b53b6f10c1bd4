export * from './adjustments.js';
export * from './declaration.js';
export * from './environment-variables.js';
export * from './explain.js';
export * from './overrides.js';
export * from './resolve.js';
