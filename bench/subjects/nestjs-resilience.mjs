/** nestjs-resilience: strategies in a command, all six. */
import 'reflect-metadata';
import { createRequire } from 'node:module';
import { Logger } from '@nestjs/common';

const require = createRequire(import.meta.url);
const {
  BulkheadStrategy,
  CircuitBreakerStrategy,
  FallbackStrategy,
  ResilienceCommand,
  RetryStrategy,
  ThrottleStrategy,
  TimeoutStrategy,
} = require('nestjs-resilience');

// It logs every failed command.
Logger.overrideLogger(false);

const STRATEGIES = {
  fallback: () => new FallbackStrategy(() => 'fallback'),
  retry: ({ attempts }) => new RetryStrategy({ maxRetries: attempts, maxDelay: 0, retryable: () => true }),
  circuitBreaker: () =>
    new CircuitBreakerStrategy({
      requestVolumeThreshold: 10,
      sleepWindowInMilliseconds: 3_600_000,
      errorThresholdPercentage: 50,
      rollingWindowInMilliseconds: 10_000,
    }),
  rateLimit: ({ limit, perMs }) => new ThrottleStrategy({ ttl: perMs, limit }),
  timeout: ({ timeoutMs }) => new TimeoutStrategy(timeoutMs),
  bulkhead: ({ concurrent }) => new BulkheadStrategy({ maxConcurrent: concurrent, maxQueue: 0 }),
};

// Its state belongs to the name of the command, in a store that all share.
let commands = 0;

export default {
  name: 'nestjs-resilience',
  layers: Object.keys(STRATEGIES),
  has: [],
  protect(method, layers, config) {
    class Command extends ResilienceCommand {
      run(value) {
        return method(value);
      }
    }
    const command = new Command(
      layers.map((layer) => STRATEGIES[layer](config)),
      'bench',
      `command ${++commands}`,
    );
    return (value) => command.execute(value);
  },
};
