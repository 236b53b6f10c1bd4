import 'reflect-metadata';
import { ConsoleLogger, Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ResilienceService } from 'nestjs-bulwark';
import { ShopModule } from './shop/shop.module.js';
import { startTracing } from './shop/tracing.js';

/** Tells whoever started the shop, as long as they are there. */
function tell(message: object): void {
  if (process.connected) process.send?.(message);
}

/** The shop. `PORT` (any free one without it) and `PROVIDER_URL` say where it listens and whom it calls, `REDIS_URL` what it shares state by. */
async function start(): Promise<void> {
  startTracing((text) => {
    if (process.send === undefined) console.log(text);
    else process.send({ trace: text });
  });
  const app = await NestFactory.create(ShopModule.with(process.env['PROVIDER_URL'] ?? 'http://127.0.0.1:4000', process.env['REDIS_URL']), {
    logger: process.env['SHOP_LOG'] === 'off' ? false : new ConsoleLogger({ json: true, logLevels: ['error', 'warn', 'log'] }),
    forceCloseConnections: true,
  });
  app.enableShutdownHooks();
  // Whoever has started several shops wants to know when each of them hears of a change.
  if (process.env['REDIS_URL'] !== undefined) {
    app.get(ResilienceService).on('*', ({ type, timestamp }) => {
      if (/^(store|circuit-breaker)\.(?!rejected)/.test(type)) tell({ event: { type, at: timestamp } });
    });
  }
  await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
  const url = await app.getUrl();
  new Logger('Shop').log(`listens on ${url}`);
  tell({ url });
}

await start();
