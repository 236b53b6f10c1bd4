import type { Attributes, BatchObservableCallback, Histogram, Meter, Observable } from '@opentelemetry/api';
import { eventGroups, type LabelValues, type Resilience } from '../core.js';

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

/**
 * Makes an instrument of every metric: counters and gauges are read when a reader collects, durations are recorded as they are
 * measured. Gives what ends it.
 */
export function instrument(resilience: Resilience, meter: Meter, keys: number): () => void {
  resilience.measure();
  const observed = new Map<string, Observable>();
  const histograms = new Map<string, Histogram>();
  for (const { name, help: description, type } of resilience.metricDeclarations()) {
    const shown = instrumentName(name);
    if (type === 'histogram') histograms.set(name, meter.createHistogram(shown, { description, unit: 's' }));
    else if (type === 'counter') observed.set(name, meter.createObservableCounter(shown, { description }));
    else observed.set(name, meter.createObservableGauge(shown, { description }));
  }
  const observe: BatchObservableCallback = (result) => {
    for (const [name, observable] of observed) {
      for (const { labels, value } of resilience.collectOne(name, { keys }).series) {
        if (typeof value === 'number') result.observe(observable, value, attributesOf(labels));
      }
    }
  };
  meter.addBatchObservableCallback(observe, [...observed.values()]);
  const attributes = new WeakMap<object, Attributes>();
  const stopListening = resilience.environment.timings.listen((distribution, seconds) => {
    let known = attributes.get(distribution);
    if (known === undefined) attributes.set(distribution, (known = attributesOf({ name: distribution.name })));
    histograms.get(distribution.metric)?.record(seconds, known);
  });
  return () => {
    stopListening();
    meter.removeBatchObservableCallback(observe, [...observed.values()]);
  };
}
