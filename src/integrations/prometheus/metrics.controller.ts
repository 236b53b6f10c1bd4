import { Controller, Get, Inject, Res, SetMetadata, type Type } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import type { Registry } from 'prom-client';
import { SKIP_KEY } from '../../nest/runtime/keys.js';

/** The provider of the registry that is in use. */
export const REGISTRY = Symbol.for('nestjs-bulwark: registry of prom-client');

/**
 * A controller that answers scrapes with the whole registry. It is left alone by what protects all routes of an application, and answers
 * by itself, so that an interceptor that wraps every answer (`{ data: ... }`) does not reach it.
 */
export function metricsController(path: string): Type {
  @Controller(path)
  @SetMetadata(SKIP_KEY, true)
  class MetricsController {
    constructor(
      @Inject(REGISTRY) private readonly registry: Registry,
      @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    ) {}

    @Get()
    async scrape(@Res() response: object): Promise<void> {
      const metrics = await this.registry.metrics();
      const { httpAdapter } = this.adapterHost;
      httpAdapter.setHeader(response, 'Content-Type', this.registry.contentType);
      httpAdapter.setHeader(response, 'Cache-Control', 'no-store');
      httpAdapter.reply(response, metrics, 200);
    }
  }
  return MetricsController;
}
