import type {
  CircuitChanges,
  CircuitCommand,
  CircuitCountsBatch,
  CircuitRecord,
  CircuitStore,
  MergeReply,
  TrialReply,
  TrialRequest,
  TrialVerdict,
} from '../../../policies/circuit-breaker/shared/circuit-store.js';
import type { Channels, RedisContext } from '../redis-context.js';
import type { ScriptRunner } from '../scripts/script.js';
import { packBatch, packRecord, readMerged, readRecord, stateNumber } from './circuit-codec.js';
import { CHANGES, COMMAND, CONCLUDE, READ, RESTORE, TRIAL } from './circuit-scripts.js';
import { MERGE } from './merge-script.js';

/** Circuits in Redis: each a hash on the shard of the group, with a list for a count window and a sorted set of trials. */
export class RedisCircuits implements CircuitStore {
  private readonly version: string;
  private readonly changeList: string;
  private readonly lastMerge: string;
  private readonly channel: string;
  private readonly runner: ScriptRunner;
  private readonly channels: Channels;

  constructor({ keys, scripts, channels, settings }: Pick<RedisContext, 'keys' | 'scripts' | 'channels' | 'settings'>) {
    this.runner = scripts;
    this.channels = channels;
    this.version = keys.ofGroup('version');
    this.changeList = keys.ofGroup('circuit-changes');
    this.lastMerge = keys.ofGroup('circuit-merge', settings.instance);
    this.channel = keys.channel('circuits');
    this.idOf = (breaker, key) => (key === undefined ? keys.ofGroup('circuit', breaker) : keys.ofGroup('circuit', breaker, key));
  }

  readonly idOf: CircuitStore['idOf'];

  async merge(sequence: number, batches: readonly CircuitCountsBatch[]): Promise<MergeReply> {
    const keys = batches.flatMap(({ id }) => [id, `${id}:%calls`]);
    const args = batches.map(packBatch);
    const reply = await this.runner.run(MERGE, [this.version, this.changeList, this.lastMerge, ...keys], [this.channel, sequence, ...args]);
    const [head, circuits] = reply as [Buffer, Buffer[]];
    return { version: head.readDoubleLE(0), now: head.readDoubleLE(8), circuits: circuits.map(readMerged) };
  }

  async trial({ id, nextGeneration, lease = '', leaseMs, halfOpenCalls, successThreshold }: TrialRequest): Promise<TrialReply> {
    const args = [this.channel, nextGeneration, lease, leaseMs, halfOpenCalls, successThreshold];
    const [granted, record] = (await this.runner.run(TRIAL, this.keysOf(id), args)) as [number, Buffer | null];
    return { isGranted: granted === 1, record: recordOf(record) };
  }

  async conclude(verdict: TrialVerdict): Promise<CircuitRecord | undefined> {
    const { id, generation, lease, passed, nextGeneration, successThreshold, openMs } = verdict;
    const args = [this.channel, nextGeneration, generation, lease, passed === undefined ? -1 : Number(passed), successThreshold, openMs];
    return recordOf((await this.runner.run(CONCLUDE, this.keysOf(id), args)) as Buffer | null);
  }

  async command({ id, state, nextGeneration }: CircuitCommand): Promise<CircuitRecord> {
    const keys = [this.version, this.changeList, id];
    return readRecord((await this.runner.run(COMMAND, keys, [this.channel, nextGeneration, stateNumber(state)])) as Buffer)!;
  }

  async restore(id: string, record: CircuitRecord): Promise<CircuitRecord> {
    const keys = [this.version, this.changeList, id];
    return readRecord((await this.runner.run(RESTORE, keys, [this.channel, packRecord(record)])) as Buffer)!;
  }

  async read(ids: readonly string[]): Promise<readonly (CircuitRecord | undefined)[]> {
    if (ids.length === 0) return [];
    return ((await this.runner.run(READ, ids, [])) as Buffer[]).map((text) => readRecord(text));
  }

  async changes(since: number): Promise<CircuitChanges> {
    const reply = (await this.runner.run(CHANGES, [this.version, this.changeList], [since])) as Buffer | [Buffer, Buffer[] | null];
    if (Buffer.isBuffer(reply)) return { version: reply.readDoubleLE(0), changed: new Map() };
    const [version, entries] = reply;
    if (entries === null) return { version: version.readDoubleLE(0), changed: undefined };
    const changed = new Map<string, number>();
    for (let index = 0; index + 1 < entries.length; index += 2)
      changed.set(entries[index]!.toString(), Number(entries[index + 1]!.toString()));
    return { version: version.readDoubleLE(0), changed };
  }

  listen(listener: (id: string, record: CircuitRecord) => void): () => void {
    return this.channels.subscribe(this.channel, (message) => {
      const length = message.readUInt16LE(0);
      const record = readRecord(message, 2 + length);
      if (record !== undefined) listener(message.toString('utf8', 2, 2 + length), record);
    });
  }

  private keysOf(id: string): readonly string[] {
    return [this.version, this.changeList, id, `${id}:%trials`];
  }
}

function recordOf(text: Buffer | null): CircuitRecord | undefined {
  return text === null ? undefined : readRecord(text);
}
