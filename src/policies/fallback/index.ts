export * from './public.js';
export { fallbackKind } from './fallback.kind.js';
export { FallbackStrategy } from './fallback.strategy.js';
export { fallback } from './fallback.policy.js';
