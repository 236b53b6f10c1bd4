import { ResilienceConfigError } from '../../engine/error.js';
import type { Class, ProtectedMethod } from '../decoration/protected-method.js';
import type { ResilienceRuntime } from './runtime.js';

const LIVE = Symbol.for('nestjs-bulwark: runtimes of running applications');

/**
 * The runtimes of the applications that run in this process; shared by all copies of the library. Weakly, as an application
 * whose start fails after it was announced is closed by nobody.
 */
function live(): Set<WeakRef<ResilienceRuntime>> {
  const shared = globalThis as { [LIVE]?: Set<WeakRef<ResilienceRuntime>> };
  return (shared[LIVE] ??= new Set());
}

function liveRuntimes(): readonly ResilienceRuntime[] {
  const runtimes: ResilienceRuntime[] = [];
  for (const reference of live()) {
    const runtime = reference.deref();
    if (runtime === undefined) live().delete(reference);
    else runtimes.push(runtime);
  }
  return runtimes;
}

export function announce(runtime: ResilienceRuntime): void {
  live().add(new WeakRef(runtime));
}

export function retract(runtime: ResilienceRuntime): void {
  for (const reference of live()) if (reference.deref() === runtime) live().delete(reference);
}

const warned = new WeakSet<Class>();

/**
 * A decorated method runs on an instance that no application manages (`new Foo()`): unprotected. Where an application
 * runs in the process that is most likely a mistake, which it says once a class.
 * @throws ResilienceConfigError where an application says `unmanaged: 'throw'`.
 */
export function noteUnmanaged(method: ProtectedMethod, target: unknown): void {
  const runtimes = liveRuntimes();
  if (runtimes.length === 0) return;
  const owner = typeof target === 'object' && target !== null ? (target.constructor as Class) : method.declaringClass;
  const problem =
    `${owner.name}.${String(method.key)} runs unprotected: the instance was not made by Nest, so no runtime reached it. ` +
    `Let Nest make it (a provider), or say unmanaged: 'allow' in ResilienceModule.forRoot()`;
  if (runtimes.some(({ unmanaged }) => unmanaged === 'throw')) throw new ResilienceConfigError([problem]);
  const speaker = runtimes.find(({ unmanaged }) => unmanaged === 'warn');
  if (speaker === undefined || warned.has(owner)) return;
  warned.add(owner);
  speaker.resilience?.environment.logger.warn(problem);
}
