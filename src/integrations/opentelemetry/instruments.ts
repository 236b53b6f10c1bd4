import type { Attributes, BatchObservableCallback, Histogram, Meter, Observable } from '@opentelemetry/api';
import { eventGroups, type CollectOptions, type LabelValues, type Resilience } from '../../core.js';

/** How OpenTelemetry names what our labels say; where it has a convention, by that. */
const CONVENTIONS: Readonly<Record<string, string>> = { error: 'error.type' };

/** `circuit-breaker`, `retry`, ... as the namespaces of metrics. */
const NAMESPACES = eventGroups.map((group) => group.replaceAll('-', '_'));

/** The name of a metric here: `circuit_breaker_requests_total` is `resilience.circuit_breaker.requests`. */
export function instrumentName(name: string): string {
  const bare = name.replace(/_(total|seconds)$/, '');
  const namespace = NAMESPACES.find((one) => bare.startsWith(`${one}_`));
  return namespace === undefined ? `resilience.${bare}` : `resilience.${namespace}.${bare.slice(namespace.length + 1)}`;
}

export function attributesOf(labels: LabelValues): Attributes {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [CONVENTIONS[label] ?? `resilience.${label}`, value]));
}

const sum = (a: number, b: number): number => a + b;

/** What is read when a reader collects. */
interface Observed {
  readonly observable: Observable;
  /** What two applications have together, where their attributes are equal. */
  readonly merge: (a: number, b: number) => number;
}

/**
 * The instruments of one meter. Several applications of a process may use it; where two of them have series with equal attributes,
 * they are put together, because an SDK takes only the last of them.
 */
class Instruments {
  private readonly applications = new Map<Resilience, CollectOptions>();
  private readonly readings = new Map<string, Observed>();
  private readonly histograms = new Map<string, Histogram>();
  private readonly observe: BatchObservableCallback = (result) => {
    for (const [name, { observable, merge }] of this.readings) {
      const series = new Map<string, { readonly attributes: Attributes; value: number }>();
      for (const [resilience, options] of this.applications) {
        for (const { labels, value } of resilience.collectOne(name, options).series) {
          if (typeof value !== 'number') continue;
          const id = JSON.stringify(Object.values(labels));
          const known = series.get(id);
          if (known === undefined) series.set(id, { attributes: attributesOf(labels), value });
          else known.value = merge(known.value, value);
        }
      }
      for (const { attributes, value } of series.values()) result.observe(observable, value, attributes);
    }
  };

  constructor(
    private readonly meter: Meter,
    resilience: Resilience,
  ) {
    for (const { name, help: description, type, merge = sum } of resilience.metricDeclarations()) {
      const shown = instrumentName(name);
      if (type === 'histogram') this.histograms.set(name, meter.createHistogram(shown, { description, unit: 's' }));
      else if (type === 'counter') this.readings.set(name, { observable: meter.createObservableCounter(shown, { description }), merge });
      else this.readings.set(name, { observable: meter.createObservableGauge(shown, { description }), merge });
    }
  }

  add(resilience: Resilience, options: CollectOptions): () => void {
    if (this.applications.size === 0) this.meter.addBatchObservableCallback(this.observe, this.observables());
    this.applications.set(resilience, options);
    const attributes = new WeakMap<object, Attributes>();
    const stopListening = resilience.environment.timings.listen((distribution, seconds) => {
      let known = attributes.get(distribution);
      if (known === undefined) attributes.set(distribution, (known = attributesOf({ name: distribution.name })));
      this.histograms.get(distribution.metric)?.record(seconds, known);
    });
    return () => {
      stopListening();
      this.applications.delete(resilience);
      if (this.applications.size === 0) this.meter.removeBatchObservableCallback(this.observe, this.observables());
    };
  }

  private observables(): Observable[] {
    return [...this.readings.values()].map(({ observable }) => observable);
  }
}

/** An SDK gives the same meter for the same name again and again. */
const byMeter = new WeakMap<Meter, Instruments>();

/**
 * Makes an instrument of every metric: counters and gauges are read when a reader collects, durations are recorded as they are
 * measured. Gives what ends it.
 */
export function instrument(resilience: Resilience, meter: Meter, options: CollectOptions): () => void {
  resilience.measure();
  let instruments = byMeter.get(meter);
  if (instruments === undefined) byMeter.set(meter, (instruments = new Instruments(meter, resilience)));
  return instruments.add(resilience, options);
}
