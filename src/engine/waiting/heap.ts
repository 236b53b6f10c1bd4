/** A binary heap that also removes from the middle: first is the item that `before` puts before all others. O(log n). */
export class Heap<Item> {
  private readonly items: Item[] = [];
  private readonly positions = new Map<Item, number>();

  constructor(private readonly before: (a: Item, b: Item) => boolean) {}

  get first(): Item | undefined {
    return this.items[0];
  }

  add(item: Item): void {
    this.put(item, this.items.length);
    this.rise(item);
  }

  remove(item: Item): void {
    const position = this.positions.get(item);
    if (position === undefined) return;
    this.positions.delete(item);
    const last = this.items.pop()!;
    if (last === item) return;
    this.put(last, position);
    this.rise(last);
    this.sink(last);
  }

  private put(item: Item, position: number): void {
    this.items[position] = item;
    this.positions.set(item, position);
  }

  private rise(item: Item): void {
    let position = this.positions.get(item)!;
    while (position > 0) {
      const parent = (position - 1) >> 1;
      if (!this.before(item, this.items[parent]!)) break;
      this.put(this.items[parent]!, position);
      position = parent;
    }
    this.put(item, position);
  }

  private sink(item: Item): void {
    let position = this.positions.get(item)!;
    for (;;) {
      let child = 2 * position + 1;
      if (child >= this.items.length) break;
      if (child + 1 < this.items.length && this.before(this.items[child + 1]!, this.items[child]!)) child++;
      if (!this.before(this.items[child]!, item)) break;
      this.put(this.items[child]!, position);
      position = child;
    }
    this.put(item, position);
  }
}
