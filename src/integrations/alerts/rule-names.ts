import type { Resilience } from '../../core.js';
import { formatValue, suggestion } from '../../options/index.js';
import type { RuleSettings } from './rule-settings.js';

/** What a rule names, in words, and what there is of it. */
function namedBy(rule: RuleSettings, resilience: Resilience): readonly [what: string, name: string | undefined, known: readonly string[]] {
  const policies = [...resilience.list().flatMap((operation) => operation.policies), ...resilience.controls.list()];
  const namesOf = (kind?: string): string[] =>
    policies.filter((policy) => kind === undefined || policy.kind === kind).map(({ name }) => name);
  switch (rule.on) {
    case 'open-circuit':
      return ['circuit breaker', rule.policy, namesOf('circuitBreaker')];
    case 'client':
      return ['rate limit', rule.limiter, namesOf('rateLimit')];
    case 'use':
      return ['bulkhead', rule.bulkhead, namesOf('bulkhead')];
    case 'event':
      return ['policy', rule.policy, namesOf()];
    case 'condition':
      return ['', undefined, []];
    default:
      return ['operation', rule.operation, resilience.list().map(({ operationId }) => operationId)];
  }
}

/** Rules that are about what does not exist, in sentences. To be asked when the application has started. */
export function unknownNames(rules: readonly RuleSettings[], resilience: Resilience): readonly string[] {
  return rules.flatMap((rule) => {
    const [what, name, known] = namedBy(rule, resilience);
    if (name === undefined || known.includes(name)) return [];
    const hint = suggestion(name, known);
    return [
      `alert rule ${formatValue(rule.name)}: there is no ${what} ${formatValue(name)} so far, and until there is one it never alerts${hint}`,
    ];
  });
}
