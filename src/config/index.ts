export * from './declaration.js';
export * from './explain.js';
export * from './resolve.js';
