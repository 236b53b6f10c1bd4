import type { INestApplication, LoggerService, ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import { ResilienceModule, ResilienceService, type ResilienceModuleOptions } from '../../src/index.js';

/** What a logger was told. */
export interface Told {
  readonly warnings: string[];
  readonly logger: { warn(message: string): void; error(message: string): void };
}

export function told(): Told {
  const warnings: string[] = [];
  const tell = (message: string): void => void warnings.push(message);
  return { warnings, logger: { warn: tell, error: tell } };
}

const running: INestApplication[] = [];

/** A started application with ResilienceModule; closed after the test. */
export async function start(
  { imports = [], ...metadata }: ModuleMetadata,
  options: ResilienceModuleOptions = {},
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
  logger: LoggerService | false = false,
  prepare: (app: INestApplication) => unknown = () => undefined,
): Promise<INestApplication> {
  const builder = Test.createTestingModule({
    imports: [ResilienceModule.forRoot({ drainTimeout: 0, ...options }), ...imports],
    ...metadata,
  });
  const app = (await change(builder).compile()).createNestApplication({ logger });
  running.push(app);
  prepare(app);
  return app.init();
}

export function service(app: INestApplication): ResilienceService {
  return app.get(ResilienceService);
}

/** To be called by `afterEach`. */
export async function closeAll(): Promise<void> {
  for (const app of running.splice(0)) await app.close();
}
