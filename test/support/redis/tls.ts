import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startRedis, type RedisOptions, type RedisServer } from './redis.js';

/** A server that speaks TLS only, and the certificate of its authority. */
export interface TlsRedis {
  readonly server: RedisServer;
  /** What a client must trust, as PEM text. */
  readonly ca: string;
  stop(): Promise<void>;
}

/** The certificates are made here, good for a day, `localhost` and `127.0.0.1`. */
export async function startTlsRedis(options: RedisOptions = {}): Promise<TlsRedis> {
  const folder = mkdtempSync(join(tmpdir(), 'bulwark-tls-'));
  const file = (name: string): string => join(folder, name);
  const openssl = (...args: readonly string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.crt'), '-days', '1', '-subj', '/CN=tests');
  openssl('req', ...newKey, '-keyout', file('server.key'), '-out', file('server.csr'), '-subj', '/CN=localhost');
  writeFileSync(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  const signed = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '1', '-extfile', file('names')];
  openssl('x509', '-req', '-in', file('server.csr'), ...signed, '-out', file('server.crt'));
  const ca = readFileSync(file('ca.crt'), 'utf8');
  const shown = ['--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key'), '--tls-ca-cert-file', file('ca.crt')];
  const server = await startRedis({ ...options, tls: { args: [...shown, '--tls-auth-clients', 'no'], client: { ca } } });
  return {
    server,
    ca,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
