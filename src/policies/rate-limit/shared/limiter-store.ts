import type { SharedStore } from '../../shared-store.js';

/** What a shared limiter needs of the store that all policies share. */
export type LimiterStore = Pick<SharedStore, 'limits' | 'availability' | 'settings' | 'fleet' | 'beforeStop'>;
