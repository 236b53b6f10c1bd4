import { VOUCHERS } from '../../shop/vouchers.js';
import { Program, setMode, setModeOfCharges } from '../processes.js';
import { fleetHeadline, fleetTable, type Outcome } from './fleet-report.js';
import { ShopInstance } from './instance.js';
import { RedisProgram } from './redis.js';
import { STEPS, type Step } from './steps.js';

/** Of all shops together. */
const PER_SECOND = 45;

/** Several shops behind one Redis: what they share, while their provider and then Redis itself falls ill. */
export class FleetDemo {
  private readonly redis = new RedisProgram();
  private readonly provider = new Program('../upstream/main.js', {});
  private readonly shops: readonly ShopInstance[];
  private readonly began = new Map<Step, number>();
  private trialsAtOnce = 0;
  private vouchersAsked = 0;
  private drawing: Promise<unknown> = Promise.resolve();

  constructor(instances: number) {
    this.shops = Array.from({ length: instances }, (_, index) => new ShopInstance(`shop ${index + 1}`));
  }

  /** Gives the exit code. */
  async run(): Promise<number> {
    const seconds = STEPS.reduce((sum, step) => sum + step.seconds, 0);
    console.log(`${this.shops.length} shops behind one Redis, ${seconds} seconds, ${PER_SECOND} orders a second in all. The breaker
"payments" and the vouchers belong to all of them.\n`);
    await Promise.all([this.provider.start(), this.redis.start()]);
    const settings = { PROVIDER_URL: this.provider.url, REDIS_URL: this.redis.url };
    await Promise.all(this.shops.map((shop) => shop.start(settings, PER_SECOND / this.shops.length)));
    console.log('  s  step               paid  queued  lost  breakers');
    let elapsed = 0;
    for (const step of STEPS) {
      this.began.set(step, Date.now());
      await this.enter(step);
      for (let second = 0; second < step.seconds; second++) {
        await new Promise((resolve) => setTimeout(resolve, 1000));
        this.show(++elapsed, step);
      }
    }
    await this.drawing;
    await Promise.all(this.shops.map((shop) => shop.stopTraffic()));
    const outcome = await this.outcome();
    const { text, isGood } = fleetHeadline(this.shops, outcome);
    console.log(`\n${fleetTable(this.shops, outcome)}\n\n${text}`);
    return isGood ? 0 : 1;
  }

  async stop(): Promise<void> {
    await Promise.all(this.shops.map(({ shop }) => shop.stop('SIGTERM')));
    await Promise.all([this.redis.kill(), this.provider.stop('SIGKILL')]);
  }

  private async enter({ provider, redis, vouchers }: Step): Promise<void> {
    if (provider === 'ailing') {
      await setMode(this.provider, 'ailing');
    } else if (provider !== undefined) {
      const most = await setModeOfCharges(this.provider, provider);
      if (this.isAfterAiling) this.trialsAtOnce = most;
    }
    if (redis === 'killed') await this.redis.kill();
    if (redis === 'started') await this.redis.start();
    if (vouchers === true) {
      this.vouchersAsked = this.shops.length * VOUCHERS;
      this.drawing = Promise.all(this.shops.map((shop) => shop.drawVouchers(VOUCHERS)));
    }
  }

  private get isAfterAiling(): boolean {
    return [...this.began.keys()].at(-2)?.provider === 'ailing';
  }

  private show(second: number, { name }: Step): void {
    const all = (of: (shop: ShopInstance) => number): string => String(this.shops.reduce((sum, shop) => sum + of(shop), 0));
    const counts = [
      all((shop) => shop.count(201)).padStart(6),
      all((shop) => shop.count(202)).padStart(6),
      all(({ lost }) => lost).padStart(4),
    ];
    const states = this.shops.map(({ shop }) => stateOf(shop)).join(' ');
    console.log(`${String(second).padStart(3)}  ${name.padEnd(17)}${counts.join('  ')}  ${states}`);
  }

  private async outcome(): Promise<Outcome> {
    let queues = await Promise.all(this.shops.map((shop) => shop.queue()));
    for (let tries = 0; tries < 100 && queues.some(({ waiting }) => waiting > 0); tries++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      queues = await Promise.all(this.shops.map((shop) => shop.queue()));
    }
    const at = (isIt: (step: Step) => boolean): number => [...this.began].findLast(([step]) => isIt(step))![1];
    return {
      vouchersAsked: this.vouchersAsked,
      vouchersLeftTo: VOUCHERS,
      refusedAt: at(({ provider }) => provider === 'refusing'),
      wellAt: at(({ provider }) => provider === 'healthy'),
      killedAt: at(({ redis }) => redis === 'killed'),
      backAt: at(({ redis }) => redis === 'started'),
      trialsAtOnce: this.trialsAtOnce,
      waiting: queues.map(({ waiting }) => waiting),
      collected: queues.map(({ paid }) => paid),
    };
  }
}

/** As the shop told last. */
function stateOf({ events }: Program): string {
  const last = events.findLast(({ type }) => type.startsWith('circuit-breaker.'))?.type.split('.')[1];
  return last === undefined ? 'closed' : last === 'half-opened' ? 'half-open' : last === 'opened' ? 'open' : last;
}
