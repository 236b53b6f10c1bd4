import { NestFactory } from '@nestjs/core';
import { ResilienceService } from 'nestjs-bulwark';
import { AppModule } from './app.module.js';

/** Boots, asks itself over HTTP, and prints what came. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'], forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const answer = await (await fetch(url)).text();
  const up = (await (await fetch(`${url}/ready`)).json()) as { status: string };
  const resilience = app.get(ResilienceService);
  resilience.circuitBreaker('stock', {}).forceOpen();
  const degraded = await fetch(`${url}/ready`);
  const { details } = (await degraded.json()) as { details: { breakers: { status: string; stock: { state: string } } } };
  const stock = `${degraded.status} ${details.breakers.status} ${details.breakers.stock.state}`;
  resilience.circuitBreaker('payments').forceOpen();
  const refused = await fetch(url);
  const down = await fetch(`${url}/ready`);
  console.log(JSON.stringify({ answer, up: up.status, stock, refused: refused.status, down: down.status }));
  await app.close();
}

await main();
