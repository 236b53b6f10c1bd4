/** Every option of one policy, normalised (durations in milliseconds, defaults filled in). */
export type ResolvedOptions = Readonly<Record<string, unknown>>;

/** For each option where its value came from: `default`, `profile production`, `defaults`, `preset payments`, `class`, `method`. */
export type OptionSources = Readonly<Record<string, string>>;
