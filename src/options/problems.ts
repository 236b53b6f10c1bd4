/** Collects what is wrong with a set of options, so that all of it can be told at once. */
export class Problems {
  readonly messages: string[] = [];

  add(message: string): void {
    if (!this.messages.includes(message)) this.messages.push(message);
  }

  /** Runs `read` and says where each new problem was found. */
  at<Value>(location: string, read: (problems: Problems) => Value): Value {
    const inner = new Problems();
    const value = read(inner);
    for (const message of inner.messages) this.add(`${location} ${message}`);
    return value;
  }
}

/** A value as it is shown in an error message: short, on one line, without running its code. */
export function formatValue(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (typeof value === 'function') return value.name === '' ? 'a function' : `function ${value.name}`;
  if (Array.isArray(value)) return `[${shorten(value.map(formatValue).join(', '))}]`;
  if (typeof value === 'object' && value !== null) {
    try {
      return shorten(JSON.stringify(value, withoutSecrets));
    } catch {
      return 'an object'; // circular, or a toJSON that throws: its shape cannot be shown
    }
  }
  return String(value);
}

const SECRET = /pass(word|phrase)?$|secret|token|api[-_]?key|credential|authorization|cookie/i;

/** What looks like a secret by its name is not for logs. */
function withoutSecrets(name: string, value: unknown): unknown {
  return SECRET.test(name) && typeof value === 'string' ? '***' : value;
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
