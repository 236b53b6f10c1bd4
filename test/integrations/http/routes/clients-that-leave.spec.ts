import { Controller, Get, Sse, StreamableFile, type INestApplication } from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { PassThrough } from 'node:stream';
import { NEVER, of, concat, Subject, type Observable } from 'rxjs';
import { ResilienceInterceptor } from '../../../../src/integrations/http/index.js';
import { policies, ResilienceModule, ResilienceService, Timeout } from '../../../../src/index.js';
import { FakeClock } from '../../../../src/testing/index.js';

const held = { started: 0, release: [] as (() => void)[], file: new PassThrough(), events: new Subject<object>() };

@Controller()
class SlowController {
  @Get('slow')
  async slow(): Promise<string> {
    held.started++;
    await new Promise<void>((resolve) => held.release.push(resolve));
    return 'done';
  }

  @Get('file')
  file(): StreamableFile {
    held.file = new PassThrough();
    held.file.write('begin');
    return new StreamableFile(held.file);
  }

  @Sse('events')
  @Timeout('1s')
  events(): Observable<object> {
    return concat(of({ data: 'first' }), held.events);
  }

  @Sse('silent')
  @Timeout('1s')
  silent(): Observable<object> {
    return NEVER;
  }
}

const Routes = ResilienceInterceptor.of({
  policy: policies.combine(policies.bulkhead({ maxConcurrent: 1, maxQueue: 5 }), policies.timeout('1h')),
  routes: {
    'SlowController.file': policies.combine(policies.bulkhead(1), policies.timeout('1s')),
    'SlowController.events': undefined,
    'SlowController.silent': undefined,
  },
});

/** Waits until something is so, in turns of the event loop: what is waited for comes over a real connection. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each([
  ['Express', () => new ExpressAdapter()],
  ['Fastify', () => new FastifyAdapter({ forceCloseConnections: true })],
])('a client that leaves, on %s', (_platform, adapter) => {
  let app: INestApplication;
  let url: string;
  let clock: FakeClock;

  beforeEach(async () => {
    clock = new FakeClock();
    held.started = held.release.length = 0;
    held.events = new Subject();
    const module = await Test.createTestingModule({
      imports: [ResilienceModule.forRoot({ clock, logs: false })],
      controllers: [SlowController],
      providers: [{ provide: APP_INTERCEPTOR, useClass: Routes }],
    }).compile();
    app = module.createNestApplication(adapter(), { logger: false, forceCloseConnections: true });
    await app.listen(0, '127.0.0.1');
    url = await app.getUrl();
  });
  afterEach(() => app.close());
  const bulkhead = (route: string) => app.get(ResilienceService).bulkhead(`route SlowController.${route}`);

  it('leaves the queue; what runs for it keeps its place until it has ended', async () => {
    const leave = new AbortController();
    const leaving = Array.from({ length: 4 }, () => fetch(`${url}/slow`, { signal: leave.signal }).catch(() => undefined));
    await until(() => held.started === 1 && bulkhead('slow').queued === 3);
    leave.abort();
    await Promise.all(leaving);
    await until(() => bulkhead('slow').queued === 0);
    expect(bulkhead('slow').running).toBe(1);
    const stays = fetch(`${url}/slow`).then((answer) => answer.text());
    await until(() => bulkhead('slow').queued === 1);
    held.release[0]!();
    await until(() => held.started === 2);
    held.release[1]!();
    expect(await stays).toBe('done');
    await until(() => bulkhead('slow').running === 0);
    expect(held.started).toBe(2);
  });

  it('or stays: a file holds its place until it is sent, and no time limit ends the sending', async () => {
    const answer = await fetch(`${url}/file`);
    const reader = answer.body!.getReader();
    expect(Buffer.from((await reader.read()).value).toString()).toBe('begin');
    expect(bulkhead('file').running).toBe(1);
    expect((await fetch(`${url}/file`)).status).toBe(503);
    await clock.advance('1m');
    expect(bulkhead('file').running).toBe(1);
    held.file.end('end');
    expect(Buffer.from((await reader.read()).value).toString()).toBe('end');
    await until(() => bulkhead('file').running === 0);
    expect(app.get(ResilienceService).metrics('route SlowController.file')).toMatchObject({ successes: 1, timeouts: 0 });
  });

  it('gives the place of a file back', async () => {
    const leave = new AbortController();
    await fetch(`${url}/file`, { signal: leave.signal });
    expect(bulkhead('file').running).toBe(1);
    leave.abort();
    await until(() => bulkhead('file').running === 0);
    held.file.destroy();
  });

  it('gets server-sent events for as long as it likes where the first came in time', async () => {
    const leave = new AbortController();
    const reader = (await fetch(`${url}/events`, { signal: leave.signal })).body!.getReader();
    const read = async (): Promise<string> => Buffer.from((await reader.read()).value).toString();
    let text = '';
    while (!text.includes('first')) text += await read();
    await clock.advance('1m');
    held.events.next({ data: 'later' });
    while (!text.includes('later')) text += await read();
    expect(text).not.toContain('error');
    leave.abort();
    const silent = fetch(`${url}/silent`, { signal: AbortSignal.timeout(30_000) }).then((answer) => answer.text());
    await until(() => app.get(ResilienceService).metrics('SlowController.silent').attempts === 1);
    await clock.advance('1s');
    await silent;
    expect(app.get(ResilienceService).metrics('SlowController.silent')).toMatchObject({ timeouts: 1 });
  });
});
