import { NestFactory } from '@nestjs/core';
import { ResilienceService } from 'nestjs-bulwark';
import { AppModule } from './app.module';

/** Boots, asks itself over HTTP, and prints what came. */
async function main(): Promise<void> {
  const app = await NestFactory.create(AppModule, { logger: ['error'], forceCloseConnections: true });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const answer = await (await fetch(url)).text();
  const up = (await (await fetch(`${url}/ready`)).json()) as { status: string };
  const breaker = app.get(ResilienceService).circuitBreaker('payments');
  breaker.forceOpen();
  const refused = await fetch(url);
  const down = await fetch(`${url}/ready`);
  console.log(JSON.stringify({ answer, up: up.status, refused: refused.status, down: down.status }));
  await app.close();
}

void main();
