import { randomBytes } from 'node:crypto';
import { GONE_AFTER_MS, type FleetBeat, type FleetEntry, type FleetPulse, type FleetStore } from '../../../policies/fleet-store.js';
import type { RedisContext } from '../redis-context.js';
import { beatScript, leaveScript, tellScript } from './fleet-scripts.js';

type Pairs = readonly (readonly [Buffer, Buffer])[];

/** What the script answers. */
type Answer = readonly [
  epoch: Buffer,
  command: Buffer,
  event: Buffer,
  isWatched: number,
  members: readonly (readonly [instance: Buffer, ageMs: number, about: Buffer, snapshot: Buffer])[],
  commands: Pairs,
  isCollapsed: number,
  events: Pairs,
];

/** Where the instances of a group meet, in Redis: hashes of who is there, and two streams that are trimmed. */
export class RedisFleet implements FleetStore {
  reporting: number | undefined;
  private readonly channel: string;

  constructor(private readonly context: RedisContext) {
    this.channel = context.keys.channel('fleet');
  }

  async beat({ instance, about, snapshot = '', events, isWatching, seen }: FleetBeat): Promise<FleetPulse> {
    const keys = ['epoch', 'instances', 'snapshots', 'watch', 'commands', 'last', 'events'].map((part) => this.key(part));
    const position = [seen?.epoch ?? '', seen?.command ?? '', seen?.event ?? ''];
    const newEpoch = randomBytes(9).toString('base64url');
    const args = [newEpoch, instance, about, snapshot, isWatching ? '1' : '0', ...position, ...events];
    const [epoch, command, event, isWatched, members, commands, isCollapsed, told] = (await this.context.scripts.run(
      beatScript,
      keys,
      args,
    )) as Answer;
    this.reporting = members.filter(([, ageMs]) => ageMs <= GONE_AFTER_MS).length;
    return {
      position: { epoch: epoch.toString(), command: command.toString(), event: event.toString() },
      isWatched: isWatched === 1,
      members: members.map(([name, ageMs, who, how]) => ({
        instance: name.toString(),
        ageMs,
        about: who.toString(),
        snapshot: how.length === 0 ? undefined : how.toString(),
      })),
      commands: entriesOf(commands),
      isCollapsed: isCollapsed === 1,
      events: entriesOf(told),
    };
  }

  async tell(target: string, text: string): Promise<string> {
    const keys = [this.key('commands'), this.key('last')];
    return String(await this.context.scripts.run(tellScript, keys, [target, text, this.channel]));
  }

  leave(instance: string): Promise<unknown> {
    return this.context.scripts.run(leaveScript, [this.key('instances'), this.key('snapshots')], [instance]);
  }

  onCommand(listener: () => void): () => void {
    return this.context.channels.subscribe(this.channel, listener);
  }

  private key(part: string): string {
    return this.context.keys.ofGroup('fleet', part);
  }
}

function entriesOf(pairs: Pairs): FleetEntry[] {
  return pairs.map(([id, text]) => ({ id: id.toString(), text: text.toString() }));
}
