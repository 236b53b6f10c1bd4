/** Who wants to know when a signal aborts. */
export interface AbortListener {
  aborted(): void;
}

/**
 * Why it was aborted. A stranger's signal (a polyfill, another runtime's) may have no reason: then what a native one has. Where
 * it does not let that be read, what it throws.
 */
export function reasonOf(signal: AbortSignal): unknown {
  try {
    return signal.reason === undefined ? aborted() : signal.reason;
  } catch (error) {
    return error;
  }
}

function aborted(): Error {
  return new DOMException('This operation was aborted', 'AbortError');
}

/** One listener for each signal, however many calls it serves: Node warns of eleven, and looks through all to remove one. */
class Audience {
  readonly listeners = new Set<AbortListener>();

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', this, { once: true });
  }

  /** Who is told may end another call that is still to be told: that one leaves, and is told nothing. */
  handleEvent(): void {
    for (const listener of this.listeners) {
      this.leave(listener);
      listener.aborted();
    }
  }

  leave(listener: AbortListener): void {
    if (!this.listeners.delete(listener) || this.listeners.size > 0) return;
    audiences.delete(this.signal);
    try {
      this.signal.removeEventListener('abort', this);
    } catch {
      // A stranger's signal that cannot be left: there is nobody left to be told.
    }
  }
}

const audiences = new WeakMap<AbortSignal, Audience>();

export function onAbort(signal: AbortSignal, listener: AbortListener): void {
  let audience = audiences.get(signal);
  if (audience === undefined) audiences.set(signal, (audience = new Audience(signal)));
  audience.listeners.add(listener);
}

/** Takes `onAbort` back; does nothing where there is nothing to take back. */
export function offAbort(signal: AbortSignal, listener: AbortListener): void {
  audiences.get(signal)?.leave(listener);
}
