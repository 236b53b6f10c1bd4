/** nestjs-bulwark as its users call it: a decorated method of a provider that a real Nest application made. */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Bulkhead, CircuitBreaker, Fallback, RateLimit, ResilienceModule, Retry, Timeout } from 'nestjs-bulwark';
import { ResiliencePrometheusModule } from 'nestjs-bulwark/prometheus';
import { Registry } from 'prom-client';
import { Observable } from 'rxjs';

/** The decorators for the layers wanted. */
const DECORATORS = {
  fallback: () => Fallback({ value: 'fallback' }),
  retry: ({ attempts }) => Retry({ maxAttempts: attempts, backoff: 'none' }),
  circuitBreaker: ({ window }) => CircuitBreaker({ window, openDuration: '1h' }),
  rateLimit: ({ limit, perMs }) => RateLimit({ limit, per: perMs }),
  timeout: ({ timeoutMs }) => Timeout(timeoutMs),
  bulkhead: ({ concurrent }) => Bulkhead(concurrent),
};

/**
 * Compiles code as if it stood in a place of its own: V8 learns each class and each place of a call for itself, as it does
 * in an application. The number keeps it from finding the same text again.
 */
let places = 0;
// oxlint-disable-next-line typescript/no-implied-eval -- a place of its own cannot be had otherwise
const inPlace = (text, ...given) => new Function('given', `return ${text} // ${++places}`)(...given);
const freshClass = (method) => inPlace('class Service { work(value) { return given(value); } };', method);
const freshCall = (service) => inPlace('(value) => given.work(value);', service);

async function provider(method, layers, config, returns) {
  const Service = freshClass(method);
  Reflect.defineMetadata('design:returntype', returns, Service.prototype, 'work');
  const descriptor = Object.getOwnPropertyDescriptor(Service.prototype, 'work');
  for (const layer of layers) DECORATORS[layer](config)(Service.prototype, 'work', descriptor);
  Object.defineProperty(Service.prototype, 'work', descriptor);
  Injectable()(Service);
  class App {}
  const imports = [ResilienceModule.forRoot({ enabled: config.enabled ?? true })];
  if (config.prometheus === true) imports.push(ResiliencePrometheusModule.register({ registry: new Registry() }));
  Module({ imports, providers: [Service] })(App);
  const app = await NestFactory.createApplicationContext(App, { logger: false });
  return app.get(Service);
}

export default {
  name: 'bulwark',
  layers: ['fallback', 'retry', 'circuitBreaker', 'rateLimit', 'timeout', 'bulkhead'],
  has: ['switch', 'observable', 'prometheus'],
  async protect(method, layers, config) {
    const service = await provider(method, layers, config, Promise);
    return freshCall(service);
  },
  async protectObservable(method, layers, config) {
    const service = await provider(method, layers, config, Observable);
    return freshCall(service);
  },
};
