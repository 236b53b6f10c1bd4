import { Controller, Get, Header, Inject, Res, type Type } from '@nestjs/common';
import type { Registry } from 'prom-client';

/** The provider of the registry that is in use. */
export const REGISTRY = Symbol.for('nestjs-bulwark: registry of prom-client');

/** Both platforms' responses have it. */
interface Response {
  header(name: string, value: string): unknown;
}

/** A controller that answers scrapes with the whole registry. */
export function metricsController(path: string): Type {
  @Controller(path)
  class MetricsController {
    constructor(@Inject(REGISTRY) private readonly registry: Registry) {}

    @Get()
    @Header('Cache-Control', 'no-store')
    scrape(@Res({ passthrough: true }) response: Response): Promise<string> {
      response.header('Content-Type', this.registry.contentType);
      return this.registry.metrics();
    }
  }
  return MetricsController;
}
