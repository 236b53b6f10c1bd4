/** What a policy does while the store cannot be asked: decide by itself, let everything pass, or reject. */
export const STORE_FAILURE_MODES = ['local', 'allow', 'reject'] as const;
export type StoreFailureMode = (typeof STORE_FAILURE_MODES)[number];
