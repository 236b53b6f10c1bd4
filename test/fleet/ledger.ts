import { readFileSync } from 'node:fs';

/** A permit of a rate limit: the store gave it between these two moments of its own time, in milliseconds. */
export interface Permit {
  readonly name: string;
  readonly key?: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
}

/** A permit of a bulkhead, as the holder had it: it had it for at least so long. A holder that was killed never let go of it itself. */
export interface Hold {
  readonly name: string;
  readonly by: string;
  readonly from: number;
  readonly to: number | undefined;
}

/** A call that reached the upstream. */
export interface Arrival {
  readonly by: string;
  readonly from: number;
  readonly isWell: boolean;
}

/** All that a fleet wrote. */
export class Ledger {
  readonly permits: Permit[] = [];
  readonly holds: Hold[] = [];
  readonly arrivals: Arrival[] = [];

  static read(files: readonly string[]): Ledger {
    const ledger = new Ledger();
    const open = new Map<string, { -readonly [Field in keyof Hold]: Hold[Field] }>();
    for (const line of files.flatMap((file) => readFileSync(file, 'utf8').split('\n'))) {
      if (!line.endsWith('}')) continue; // empty, or cut by a kill
      const { what, ...entry } = JSON.parse(line) as { what: string };
      if (what === 'permit') ledger.permits.push(entry as Permit);
      else if (what === 'arrival') ledger.arrivals.push(entry as Arrival);
      else if (what === 'hold') {
        const { id, ...hold } = entry as Hold & { id: string };
        const opened = { ...hold, to: undefined };
        open.set(`${hold.name} ${id}`, opened);
        ledger.holds.push(opened);
      } else {
        const { name, id, to } = entry as { name: string; id: string; to: number };
        open.get(`${name} ${id}`)!.to = to;
      }
    }
    return ledger;
  }
}
