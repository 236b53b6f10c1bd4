import { Injectable } from '@nestjs/common';
import { Attempt, CircuitBreaker, Fallback, Retry, Timeout, type AttemptContext } from 'nestjs-bulwark';

@Injectable()
export class PaymentsService {
  attempts = 0;

  @Retry({ maxAttempts: 3, backoff: 'none' })
  @CircuitBreaker({ name: 'payments', consecutiveFailures: 5, critical: true })
  @Timeout('1s')
  async charge(amount: number, @Attempt() attempt?: AttemptContext): Promise<string> {
    this.attempts++;
    if (attempt!.attempt < 3) throw new Error('not yet');
    return `charged ${amount}`;
  }

  @Fallback('instead')
  async refund(): Promise<string> {
    throw new Error('no');
  }

  async instead(error: unknown): Promise<string> {
    return `later: ${(error as Error).message}`;
  }
}
