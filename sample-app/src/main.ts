import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ShopModule } from './shop/shop.module.js';

/** The shop. `PORT` (any free one without it) and `PROVIDER_URL` say where it listens and whom it calls. */
async function start(): Promise<void> {
  const app = await NestFactory.create(ShopModule.with(process.env['PROVIDER_URL'] ?? 'http://127.0.0.1:4000'), {
    logger: process.env['SHOP_LOG'] === 'off' ? false : ['error', 'warn', 'log'],
    forceCloseConnections: true,
  });
  app.enableShutdownHooks();
  await app.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1');
  const url = await app.getUrl();
  new Logger('Shop').log(`listens on ${url}`);
  process.send?.({ url });
}

await start();
