import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Direction = 'to server' | 'to client';

const BOTH: readonly Direction[] = ['to server', 'to client'];

/** What is under way in one direction of one connection: it comes late or not at all, and always in order. */
class Pipe {
  private readonly chunks: { readonly dueAt: number; readonly deliver: () => void }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly isSilent: () => boolean) {}

  push(delayMs: number, deliver: () => void): void {
    this.chunks.push({ dueAt: performance.now() + delayMs, deliver });
    this.pump();
  }

  pump(): void {
    clearTimeout(this.timer);
    if (this.isSilent()) return;
    while (this.chunks[0] !== undefined && this.chunks[0].dueAt <= performance.now()) this.chunks.shift()!.deliver();
    if (this.chunks[0] !== undefined) this.timer = setTimeout(() => this.pump(), Math.max(1, this.chunks[0].dueAt - performance.now()));
  }

  end(): void {
    clearTimeout(this.timer);
  }
}

/** Two sockets that belong together. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
  readonly pipes: readonly Pipe[];
}

/** A network between a client and a server that can be slow, cut, or silent; connections made meanwhile are treated alike. */
export class TcpProxy {
  readonly host = '127.0.0.1';
  private readonly links = new Set<Link>();
  private readonly silent = new Set<Direction>();
  private delayMs = 0;
  private isCut = false;

  private constructor(
    private readonly listener: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {
    listener.on('connection', (client) => this.accept(client));
  }

  static async start(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new TcpProxy(listener, target);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** How many connections there are. */
  get connections(): number {
    return this.links.size;
  }

  /** Everything takes so much longer, in each direction. */
  delay(milliseconds: number): void {
    this.delayMs = milliseconds;
  }

  /** Every connection is reset, and each new one too. */
  cut(): void {
    this.isCut = true;
    this.drop();
  }

  /** Every connection is reset; new ones are let through. */
  drop(): void {
    for (const { client, server } of this.links) {
      client.resetAndDestroy();
      server.destroy();
    }
  }

  /** What is sent comes to nobody, and no connection ends; as with TCP, it comes once the network is whole again. */
  blackHole(directions: readonly Direction[] = BOTH): void {
    for (const direction of directions) this.silent.add(direction);
  }

  /** The network is whole and quick again. */
  heal(): void {
    this.isCut = false;
    this.delayMs = 0;
    this.silent.clear();
    for (const { pipes } of this.links) for (const pipe of pipes) pipe.pump();
  }

  async stop(): Promise<void> {
    this.drop();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined);
    if (this.isCut) return void client.resetAndDestroy();
    const server = connect(this.target);
    server.on('error', () => undefined);
    for (const socket of [client, server]) socket.setNoDelay(true);
    const link = { client, server, pipes: [this.pass(client, server, 'to server'), this.pass(server, client, 'to client')] };
    this.links.add(link);
    const ended = (): void => {
      this.links.delete(link);
      for (const pipe of link.pipes) pipe.end();
      client.destroy();
      server.destroy();
    };
    client.on('close', ended);
    server.on('close', ended);
  }

  private pass(from: Socket, to: Socket, direction: Direction): Pipe {
    const pipe = new Pipe(() => this.silent.has(direction));
    from.on('data', (chunk) => pipe.push(this.delayMs, () => void (to.writable && to.write(chunk))));
    from.on('end', () => pipe.push(this.delayMs, () => to.end()));
    return pipe;
  }
}

export function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  return TcpProxy.start(target);
}
