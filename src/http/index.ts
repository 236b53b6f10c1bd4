/** `nestjs-bulwark/http`: answers, headers and routes of HTTP, and what a protected HTTP client needs. */
export { byHeader, clientIp, type ClientRequest } from './client-key.js';
export { DegradedInterceptor } from './degraded.interceptor.js';
export { HttpStatusError, throwOnFailure, type HttpAnswer } from './http-status.error.js';
export { RateLimitHeadersInterceptor, type RateLimitHeadersOptions } from './rate-limit-headers.interceptor.js';
export { ResilienceExceptionFilter, type ResilienceFailure } from './resilience.exception-filter.js';
export { ResilienceInterceptor, type ResilienceInterceptorOptions } from './resilience.interceptor.js';
