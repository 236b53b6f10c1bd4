import type { BuiltLayer, PolicyKind } from '../../engine/contract/kind.js';
import { timeoutRules, type ResolvedTimeout } from './timeout.policy.js';
import { TimeoutStrategy } from './timeout.strategy.js';
import { timeoutTelemetry } from './timeout.telemetry.js';

export const timeoutKind = {
  kind: 'timeout',
  label: 'Timeout',
  rules: timeoutRules,
  telemetry: timeoutTelemetry,
  totalPlace: 'totalTimeout',
  check({ duration, total }, _given, problems) {
    if (duration === undefined && total === undefined)
      problems.add(`duration is required: ${timeoutRules.duration.expects}; or total, to bound the whole operation`);
    if (duration !== undefined && total !== undefined && total < duration) {
      problems.add(`total must be at least duration (${duration} ms), got ${total} ms: no attempt could use its time`);
    }
  },
  build({ duration, total, discard }, { name, environment }) {
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
} as const satisfies PolicyKind<ResolvedTimeout>;
