/** A run of the method that goes on though its attempt has been answered. */
export interface Stray {
  settled: boolean;
  /** The layers before this one let it pass, and have not been told of an end since. */
  seenBy: number;
  /** What is done when it has really ended. */
  readonly endings: (() => void)[];
}

/** Does something when every run of the method that a layer let pass has really ended: at once where none goes on. */
export function whenSettled(strays: readonly Stray[] | undefined, layer: number, ending: () => void): void {
  let running = 0;
  const oneEnded = (): void => {
    if (--running === 0) ending();
  };
  for (const stray of strays ?? []) {
    if (stray.settled || layer >= stray.seenBy) continue;
    running++;
    stray.endings.push(oneEnded);
  }
  if (running === 0) ending();
}

/** The run has ended. */
export function settle(stray: Stray): void {
  stray.settled = true;
  for (const ending of stray.endings) ending();
}
