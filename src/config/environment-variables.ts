import type { KindTable } from '../engine/contract/kind-table.js';
import type { PolicyKind } from '../engine/contract/kind.js';
import { nearest, Problems, formatValue, type Rule } from '../options/index.js';
import { EVERYTHING, type OverrideSource, type Adjustment } from './adjustments.js';

/** Where variables are read from. */
export interface EnvOptions {
  /**
   * What the names of variables begin with.
   * @default 'RESILIENCE_'
   */
  prefix?: string;
  /**
   * The variables.
   * @default process.env
   */
  variables?: Readonly<Record<string, string | undefined>>;
}

/**
 * `forRoot({ env })`: `RESILIENCE_<SCOPE>_<KIND>_<OPTION>`, the scope being a class, `CLASS_METHOD` or a policy name, or
 * left out for all. What is no letter or digit is written `_`.
 */
export class EnvironmentVariables implements OverrideSource {
  private readonly given: ReadonlyMap<string, string>;
  private readonly prefix: string;
  private readonly asked = new Set<string>();

  constructor({ prefix = 'RESILIENCE_', variables = process.env }: EnvOptions) {
    this.prefix = prefix;
    this.given = new Map(
      Object.entries(variables).flatMap(([name, value]) => (name.startsWith(prefix) && value !== undefined ? [[name, value]] : [])),
    );
  }

  /** Everything on or off: `RESILIENCE_ENABLED`. */
  enabled(problems: Problems): boolean | undefined {
    return this.flag(`${this.prefix}ENABLED`, problems);
  }

  adjust(scopes: readonly string[], kind: PolicyKind, problems: Problems): readonly Adjustment[] {
    if (this.given.size === 0) return [];
    return scopes.flatMap((scope) => this.ofScope(scope, kind, problems));
  }

  /** Looks at every value whose variable names a kind and an option, before anybody asks for it. */
  checkAll(kinds: KindTable, problems: Problems): void {
    for (const [name, text] of this.given) {
      const words = name.slice(this.prefix.length).split('_');
      const [kindName, optionName] = words.slice(-2);
      const kind = [...kinds].find((one) => inVariable(one.kind) === kindName);
      const option = Object.keys(kind?.rules ?? {}).find((one) => inVariable(one) === optionName);
      if (optionName === 'ENABLED' && kind !== undefined) this.flag(name, problems);
      if (kind === undefined || option === undefined || isNotForText(kind, option)) continue;
      readText(kind.rules[option]!, name, text, problems);
    }
    this.asked.clear();
  }

  unmatched(): readonly string[] {
    return [...this.given.keys()]
      .filter((name) => !this.asked.has(name))
      .map((name) => {
        const meant = nearest(name, this.asked);
        return `env: ${name} sets nothing${meant === undefined ? '' : `; did you mean ${meant}?`}`;
      });
  }

  private ofScope(scope: string, kind: PolicyKind, problems: Problems): readonly Adjustment[] {
    const location = scope === EVERYTHING ? this.prefix : `${this.prefix}${inVariable(scope)}_`;
    const found: Adjustment[] = [];
    const say = (name: string, adjustment: Omit<Adjustment, 'source'>): void => void found.push({ source: `env ${name}`, ...adjustment });
    if (scope !== EVERYTHING && kind.alwaysOn !== true) {
      const enabled = this.flag(`${location}ENABLED`, problems);
      if (enabled !== undefined) say(`${location}ENABLED`, { enabled });
    }
    const before = found.length;
    const ofKind = `${location}${inVariable(kind.kind)}_`;
    const enabled = this.flag(`${ofKind}ENABLED`, problems);
    if (enabled !== undefined) say(`${ofKind}ENABLED`, { enabled });
    for (const [option, rule] of Object.entries(kind.rules)) {
      if (isNotForText(kind, option)) continue;
      const name = `${ofKind}${inVariable(option)}`;
      const text = this.ask(name);
      const value = text === undefined ? undefined : readText(rule, name, text, problems);
      if (value !== undefined) say(name, { options: { [option]: value } });
    }
    // Whoever gives options to a certain policy that a weaker word switched off wants it; one for all policies says nothing of it.
    const first = found[before];
    if (scope !== EVERYTHING && enabled === undefined && first !== undefined) found[before] = { ...first, enabled: true };
    return found;
  }

  private ask(name: string): string | undefined {
    this.asked.add(name);
    return this.given.get(name);
  }

  private flag(name: string, problems: Problems): boolean | undefined {
    const text = this.ask(name)?.toLowerCase();
    if (text === undefined) return undefined;
    if (text === 'true' || text === '1') return true;
    if (text === 'false' || text === '0') return false;
    problems.add(`${name} must be true or false, got ${formatValue(text)}`);
    return undefined;
  }
}

function isNotForText({ rules }: PolicyKind, option: string): boolean {
  return rules[option]?.isFunction === true || option === 'name';
}

function inVariable(name: string): string {
  return name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_');
}

/** A text is what the option's own rule makes of it: as it is, as a number, true or false, or as JSON. */
function readText(rule: Rule, name: string, text: string, problems: Problems): unknown {
  for (const candidate of candidates(text.trim())) {
    const read = rule.read(candidate, name, new Problems());
    if (read !== undefined) return read;
  }
  problems.add(`${name} must be ${rule.expects}, got ${formatValue(text)}`);
  return undefined;
}

function candidates(text: string): readonly unknown[] {
  const found: unknown[] = [text];
  if (text !== '' && !Number.isNaN(Number(text))) found.push(Number(text));
  if (text === 'true' || text === 'false') found.push(text === 'true');
  if (/^[[{"]/.test(text)) {
    try {
      found.push(JSON.parse(text));
    } catch {
      // No JSON: then the rule says what it expects.
    }
  }
  return found;
}
