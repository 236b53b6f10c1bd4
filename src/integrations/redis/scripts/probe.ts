import { defineScript } from './script.js';

/** Finds a server that cannot be written: one that is full, a replica, one that is loading. One that runs late harms nobody. */
export const probeScript = defineScript('probe', `return redis.call('SET', KEYS[1], '', 'PX', 10000)`, { writes: false });
