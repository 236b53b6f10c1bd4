/** How far two clocks may drift apart: 500 ms in 1000 s, several times what is usual. */
const DRIFT = 0.0005;

/**
 * What is known of a server's clock from its answers: each was given at some time between the sending of the question and the arrival of
 * the answer, so each narrows down how far the server's clock is ahead of ours.
 */
export class ServerClock {
  /** The server's time less ours is at least this, and at most that. */
  private least = -Infinity;
  private most = Infinity;
  private readAt = 0;

  /** Before the first answer nothing is known. */
  get isKnown(): boolean {
    return this.least > -Infinity;
  }

  /** @param serverTime What the server's clock said between the two times of ours. */
  observe(serverTime: number, sentAt: number, arrivedAt: number): void {
    const drift = Math.max(0, arrivedAt - this.readAt) * DRIFT;
    const least = serverTime - arrivedAt;
    const most = serverTime - sentAt;
    this.least = Math.max(this.least - drift, least);
    this.most = Math.min(this.most + drift, most);
    this.readAt = arrivedAt;
    // It was set, or it is the clock of another server: what was known holds no more.
    if (this.least > this.most) [this.least, this.most] = [least, most];
  }

  /** The server's time at which it is certainly not yet later than this by our clock, but for what an answer needs on its way. */
  earliest(ourTime: number): number {
    return ourTime + this.least - Math.max(0, ourTime - this.readAt) * DRIFT;
  }

  forget(): void {
    this.least = -Infinity;
    this.most = Infinity;
  }
}
