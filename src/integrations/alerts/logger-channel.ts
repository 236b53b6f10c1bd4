import { Logger } from '@nestjs/common';
import type { Alert, AlertChannel } from './alert.js';

/** Writes alerts to Nest's logger: critical ones as errors, warnings as such, the rest and what is resolved at log level. */
export function loggerChannel(): AlertChannel {
  const logger = new Logger('ResilienceAlerts');
  return {
    name: 'logger',
    send({ rule, severity, status, summary, suppressed }: Alert) {
      const again = suppressed === 0 ? '' : ` (and ${suppressed} times before, without a word)`;
      const line = `${rule} ${status}: ${summary}${again}`;
      if (status === 'resolved' || severity === 'info') logger.log(line);
      else if (severity === 'critical') logger.error(line);
      else logger.warn(line);
    },
  };
}
