import type { BuiltLayer, PolicyKind } from '../../engine/contract/kind.js';
import { timeoutRules } from './timeout.policy.js';
import { TimeoutStrategy } from './timeout.strategy.js';
import { timeoutTelemetry } from './timeout.telemetry.js';

interface Resolved {
  readonly duration?: number;
  readonly total?: number;
  readonly discard?: (value: unknown) => void;
  readonly name?: string;
}

export const timeoutKind = {
  kind: 'timeout',
  label: 'Timeout',
  rules: timeoutRules,
  telemetry: timeoutTelemetry,
  check(options, _given, problems) {
    const { duration, total } = options as Resolved;
    if (duration === undefined && total === undefined)
      problems.add(`duration is required: ${timeoutRules.duration.expects}; or total, to bound the whole operation`);
    if (duration !== undefined && total !== undefined && total < duration) {
      problems.add(`total must be at least duration (${duration} ms), got ${total} ms: no attempt could use its time`);
    }
  },
  build(options, { operationId, environment }) {
    const { duration, total, discard, name = operationId } = options as Resolved;
    const layers: BuiltLayer[] = [];
    if (total !== undefined)
      layers.push({
        strategy: new TimeoutStrategy(name, total, true, discard, environment),
        place: 'total',
        options: ['total', 'discard'],
      });
    if (duration !== undefined)
      layers.push({ strategy: new TimeoutStrategy(name, duration, false, discard, environment), options: ['duration', 'discard'] });
    return layers;
  },
} as const satisfies PolicyKind;
