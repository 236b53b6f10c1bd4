/** `nestjs-bulwark/http`: answers, headers and routes of HTTP, and what a protected HTTP client needs. */
export { byHeader, clientIp, type ClientIpOptions, type ClientKey, type ClientRequest } from './client-key.js';
export { DegradedInterceptor } from './degraded.interceptor.js';
export type { InboundType } from './inbound.js';
export { HttpStatusError, throwOnFailure, type HttpAnswer } from './http-status.error.js';
export type { RouteLimit } from './limits/limit.js';
export { RateLimitGuard, type RateLimitGuardOptions } from './limits/rate-limit.guard.js';
export { RouteRateLimit, SkipRateLimit, type RouteDecorator } from './limits/route-rate-limit.js';
export { RateLimitHeadersInterceptor, type RateLimitHeadersOptions } from './rate-limit-headers.interceptor.js';
export { ResilienceExceptionFilter, type ResilienceFailure } from './resilience.exception-filter.js';
export { ResilienceInterceptor, type ResilienceInterceptorOptions } from './resilience.interceptor.js';
export { toHttpException } from './to-http-exception.js';
