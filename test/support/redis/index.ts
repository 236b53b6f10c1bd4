export { startAclRedis } from './acl.js';
export { startCluster, type RedisCluster } from './cluster.js';
export { SERVER_PROGRAMS, type ServerProgram } from './programs.js';
export { startRedis, type RedisOptions, type RedisServer } from './redis.js';
export { startSentinel, type SentinelSetup } from './sentinel.js';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { startTlsRedis, type TlsRedis } from './tls.js';
export { asClient, Log, openSession, type Opening } from './session.js';
export { CLIENTS, MORE_CLIENTS, type OwnClient } from './clients.js';
