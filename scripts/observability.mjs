// Dashboards and rules as code, made from the metrics that the policies declare: what `npm run docs` writes to
// docs/observability. Every metric that a rule or a query names must be declared.
import { stringify } from 'yaml';

/** Queries that the page and the dashboard show, and that a real Prometheus answers in the end-to-end test. */
export const QUERIES = [
  ['Open breakers', 'sum by (name) (circuit_breaker_state == 1)'],
  ['Success rate', 'rate(circuit_breaker_requests_successful[5m]) / rate(circuit_breaker_requests_total[5m])'],
  ['Rejections per second', 'sum by (name) (rate(circuit_breaker_requests_rejected[5m]))'],
  ['Mean time to recover', 'rate(circuit_breaker_open_duration_seconds_sum[15m]) / rate(circuit_breaker_open_duration_seconds_count[15m])'],
  ['Bulkhead utilisation', 'bulkhead_active_requests / bulkhead_max_concurrent'],
  ['Mean queue time', 'rate(bulkhead_queue_duration_seconds_sum[5m]) / rate(bulkhead_queue_duration_seconds_count[5m])'],
  [
    'Attempts beyond the first, per call',
    'sum by (name) (rate(retry_attempts_total[5m])) / sum by (name) (rate(operation_calls_total[5m]))',
  ],
  [
    'Share of calls answered by a fallback',
    'sum by (name) (rate(fallback_calls_total{outcome="served"}[5m])) / sum by (name) (rate(operation_calls_total[5m]))',
  ],
  ['99th percentile of response times', 'histogram_quantile(0.99, sum by (le, name) (rate(operation_duration_seconds_bucket[5m])))'],
  ['Errors by class', 'sum by (name, error) (rate(operation_errors_total[5m]))'],
  [
    'Share of requests to the store that fail',
    'sum by (name) (rate(store_requests_total{outcome!="ok"}[5m])) / sum by (name) (rate(store_requests_total[5m]))',
  ],
  [
    '99th percentile of answers of the store',
    'histogram_quantile(0.99, sum by (le, name) (rate(store_request_duration_seconds_bucket[5m])))',
  ],
  ['Clients that hit their limit most', 'topk(10, rate_limit_top_rejections)'],
];

const RECORDING = [
  [
    'operation:errors:ratio_rate5m',
    'sum by (name) (rate(operation_calls_total{outcome="failed"}[5m])) / sum by (name) (rate(operation_calls_total[5m]))',
  ],
  ['operation:calls:rate5m', 'sum by (name) (rate(operation_calls_total[5m]))'],
  ['operation:duration_seconds:p99_rate5m', 'histogram_quantile(0.99, sum by (le, name) (rate(operation_duration_seconds_bucket[5m])))'],
  [
    'circuit_breaker:success:ratio_rate5m',
    'sum by (name) (rate(circuit_breaker_requests_successful[5m])) / sum by (name) (rate(circuit_breaker_requests_total[5m]))',
  ],
  ['bulkhead:utilisation:ratio', 'sum by (name) (bulkhead_active_requests) / sum by (name) (bulkhead_max_concurrent)'],
  [
    'bulkhead:queue_time_seconds:mean_rate5m',
    'sum by (name) (rate(bulkhead_queue_duration_seconds_sum[5m])) / sum by (name) (rate(bulkhead_queue_duration_seconds_count[5m]))',
  ],
  [
    'rate_limit:rejections:ratio_rate5m',
    'sum by (name) (rate(rate_limit_requests_rejected[5m])) / sum by (name) (rate(rate_limit_requests_total[5m]))',
  ],
  ['retry:attempts:ratio_rate5m', 'sum by (name) (rate(retry_attempts_total[5m])) / sum by (name) (rate(operation_calls_total[5m]))'],
  [
    'fallback:served:ratio_rate5m',
    'sum by (name) (rate(fallback_calls_total{outcome="served"}[5m])) / sum by (name) (rate(operation_calls_total[5m]))',
  ],
];

const ALERTS = [
  [
    'CircuitBreakerOpen',
    'max by (name) (circuit_breaker_state == 1 or circuit_breaker_state == 2)',
    '1m',
    'critical',
    'Circuit breaker {{ $labels.name }} has not been closed for a minute',
    'Its dependency fails or is slow. Look at circuit_breaker_failure_rate and at the dependency; calls are turned away, or answered by fallbacks.',
  ],
  [
    'CircuitBreakerFlapping',
    'sum by (name) (increase(circuit_breaker_state_transitions{to="open"}[15m])) > 5',
    '0m',
    'warning',
    'Circuit breaker {{ $labels.name }} opened {{ $value | printf "%.0f" }} times in 15 minutes',
    'It opens, tries and opens again. A longer or growing openDuration, or more trials, would spare the dependency.',
  ],
  [
    'CircuitBreakerForcedOpen',
    'max by (name) (circuit_breaker_state == 3)',
    '30m',
    'warning',
    'Circuit breaker {{ $labels.name }} has been forced open for half an hour',
    'Somebody forced it open by hand. If the reason is gone: close() or reset().',
  ],
  [
    'OperationErrorsHigh',
    'operation:errors:ratio_rate5m > 0.05 and operation:calls:rate5m > 0.1',
    '5m',
    'critical',
    '{{ $value | humanizePercentage }} of the calls of {{ $labels.name }} fail',
    'After all retries and fallbacks. operation_errors_total tells the classes of the errors.',
  ],
  [
    'BulkheadSaturated',
    'bulkhead:utilisation:ratio > 0.9',
    '5m',
    'warning',
    'Bulkhead {{ $labels.name }} is {{ $value | humanizePercentage }} full',
    'Calls will queue or be rejected soon. Is the dependency slower than before?',
  ],
  [
    'BulkheadRejecting',
    'sum by (name) (rate(bulkhead_requests_rejected[5m])) > 0',
    '5m',
    'warning',
    'Bulkhead {{ $labels.name }} turns away {{ $value | humanize }} calls a second',
    'There is no place and no room in the queue, or the wait is too long.',
  ],
  [
    'RateLimitRejecting',
    'rate_limit:rejections:ratio_rate5m > 0.2',
    '10m',
    'warning',
    '{{ $value | humanizePercentage }} of the calls of {{ $labels.name }} exceed its rate limit',
    'rate_limit_top_rejections names the keys, where the option `clients` asks for it.',
  ],
  [
    'RetryStorm',
    'retry:attempts:ratio_rate5m > 0.5',
    '5m',
    'warning',
    '{{ $labels.name }} makes {{ $value | printf "%.1f" }} retries a call',
    'Retries add to the load of a dependency that is in trouble already. A retry budget bounds them.',
  ],
  [
    'RetryBudgetExhausted',
    'sum by (name) (increase(retry_exhausted_total{reason="budget"}[5m])) > 0',
    '5m',
    'warning',
    'The retry budget of {{ $labels.name }} is used up',
    'So many calls fail that retrying would only add load.',
  ],
  [
    'FallbacksServe',
    'fallback:served:ratio_rate5m > 0.5',
    '5m',
    'warning',
    '{{ $value | humanizePercentage }} of the answers of {{ $labels.name }} are makeshift',
    'Users get answers of a fallback.',
  ],
  [
    'FallbacksFail',
    'sum by (name) (rate(fallback_calls_total{outcome="failed"}[5m])) > 0',
    '5m',
    'critical',
    'Fallbacks of {{ $labels.name }} fail',
    'The last line of defence does not hold.',
  ],
  [
    'SharedStateDegraded',
    'max by (name) (shared_state_degraded == 1)',
    '1m',
    'critical',
    'The store of shared state {{ $labels.name }} has not answered for a minute',
    'Shared policies do what their onStoreFailure says: limits and breakers hold for each instance by itself, or not at all. store_requests_total tells how requests end.',
  ],
];

export function recordingRules() {
  const rules = RECORDING.map(([record, expr]) => ({ record, expr }));
  return rulesFile([{ name: 'nestjs-bulwark.recording', rules }]);
}

export function alertingRules() {
  const rules = ALERTS.map(([alert, expr, wait, severity, summary, description]) => ({
    alert,
    expr,
    ...(wait === '0m' ? {} : { for: wait }),
    labels: { severity },
    annotations: { summary, description },
  }));
  return rulesFile([{ name: 'nestjs-bulwark.alerting', rules }]);
}

function rulesFile(groups) {
  return `# Generated by \`npm run docs\` from the metrics that the policies declare.\n${stringify({ groups }, { lineWidth: 0 })}`;
}

/** The reference of metrics and rules. */
export function metricsPage(metrics, instrumentName) {
  const row = ({ name, type, labels = [], help }) =>
    `| \`${name}\` | ${type} | ${['name', ...labels].map((label) => `\`${label}\``).join(', ')} | ${cell(help)} | \`${instrumentName(name)}\` |`;
  const alerts = ALERTS.map(
    ([alert, expr, wait, severity, , description]) =>
      `| \`${alert}\` | ${severity} | \`${cell(expr)}\` for ${wait} | ${cell(description)} |`,
  );
  const records = RECORDING.map(([record, expr]) => `| \`${record}\` | \`${cell(expr)}\` |`);
  return `# Metrics and rules

Generated by \`npm run docs\` from the \`.telemetry\` files. The label \`name\` is the name of the policy, or the id of its operation where it has none.

| metric | type | labels | meaning | in OpenTelemetry |
| --- | --- | --- | --- | --- |
${metrics.map(row).join('\n')}

## Alerting rules

[alerting-rules.yml](../observability/alerting-rules.yml)

| alert | severity | when | what it means |
| --- | --- | --- | --- |
${alerts.join('\n')}

## Recording rules

[recording-rules.yml](../observability/recording-rules.yml)

| record | expression |
| --- | --- |
${records.join('\n')}
`;
}

function cell(text) {
  return text.replaceAll('|', '\\|');
}

/** A dashboard for Grafana: the queries above, and a panel for every metric in a row for its kind. */
export function dashboard(metrics, groups) {
  const panels = [];
  let y = 0;
  const place = (index) => ({ x: (index % 3) * 8, y: y + Math.floor(index / 3) * 7, w: 8, h: 7 });
  const addRow = (title, made) => {
    panels.push({ type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y++;
    made.forEach((panel, index) => panels.push({ ...panel, gridPos: place(index) }));
    y += Math.ceil(made.length / 3) * 7;
  };
  addRow(
    'Overview',
    QUERIES.map(([title, expr]) => panel(title, title, filtered(expr, metrics), unitOf(title, expr))),
  );
  for (const [group, title] of groups) {
    const own = metrics.filter(({ name }) => [group].flat().some((prefix) => name.startsWith(`${prefix}_`)));
    addRow(
      title,
      own.map((metric) => metricPanel(metric)),
    );
  }
  return `${JSON.stringify(
    {
      title: 'nestjs-bulwark',
      uid: 'nestjs-bulwark',
      tags: ['nestjs', 'resilience'],
      schemaVersion: 39,
      version: 1,
      editable: true,
      refresh: '10s',
      time: { from: 'now-30m', to: 'now' },
      templating: {
        list: [
          { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
          {
            name: 'name',
            type: 'query',
            label: 'Name',
            datasource: SOURCE,
            query: { query: 'label_values({__name__=~"operation_calls_total|circuit_breaker_state"}, name)', refId: 'names' },
            refresh: 2,
            multi: true,
            includeAll: true,
            allValue: '.*',
            current: { text: 'All', value: '$__all' },
          },
        ],
      },
      panels: panels.map((one, index) => Object.assign({ id: index + 1 }, one)),
    },
    undefined,
    2,
  )}\n`;
}

const SOURCE = { type: 'prometheus', uid: '${datasource}' };

function panel(title, description, expr, unit, legendFormat = '{{name}}') {
  return {
    type: 'timeseries',
    title,
    description,
    datasource: SOURCE,
    fieldConfig: { defaults: { unit, custom: { fillOpacity: 10, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: [{ refId: 'A', datasource: SOURCE, expr, legendFormat }],
  };
}

function metricPanel({ name, type, help, labels = [] }) {
  const unit = name.endsWith('_seconds') ? 's' : name.endsWith('_rate') ? 'percentunit' : 'short';
  const by = ['name', ...labels];
  const legend = by.map((label) => `{{${label}}}`).join(' ');
  if (type === 'counter')
    return panel(name, help, `sum by (${by.join(', ')}) (rate(${name}{name=~"$name"}[$__rate_interval]))`, 'ops', legend);
  // Numbers of states are in no order: what several instances show together is the worst, as `worse` has it.
  if (name === 'circuit_breaker_state') {
    const worst = [3, 1, 2].map((state) => `max by (name) (${name}{name=~"$name"} == ${state})`);
    return panel(name, help, [...worst, `max by (name) (${name}{name=~"$name"})`].join(' or '), 'short');
  }
  if (type === 'gauge') return panel(name, help, `max by (${by.join(', ')}) (${name}{name=~"$name"})`, unit, legend);
  const quantile = `histogram_quantile(0.95, sum by (le, name) (rate(${name}_bucket{name=~"$name"}[$__rate_interval])))`;
  return panel(`${name} (95th percentile)`, help, quantile, 's');
}

function unitOf(title, expr) {
  if (/seconds/.test(expr)) return 's';
  return /rate\(.*\/|utilisation/i.test(`${expr}${title}`) ? 'percentunit' : 'short';
}

/** The dashboard's selection of names, in every selector of a query. */
function filtered(expr, metrics) {
  return namesIn(expr, metrics).reduce(
    (text, name) =>
      text.replaceAll(new RegExp(`\\b${name}\\b(\\{)?`, 'g'), (_all, brace) => `${name}{name=~"$name"${brace === undefined ? '}' : ', '}`),
    expr,
  );
}

/** The metrics that an expression names, histograms by their parts. */
function namesIn(expr, metrics) {
  const known = new Set(
    metrics.flatMap(({ name, type }) => (type === 'histogram' ? ['_bucket', '_sum', '_count'].map((part) => name + part) : [name])),
  );
  return [...new Set(expr.match(/\b[a-z]+(_[a-z]+)+\b/g))].filter((name) => known.has(name));
}

/** Names in rules and queries that no policy declares. */
export function unknownNames(metrics) {
  const records = RECORDING.map(([record]) => record);
  const words = new Set(['histogram_quantile', 'sum', 'rate', 'increase']);
  return [...QUERIES, ...RECORDING, ...ALERTS].flatMap(([, expr]) => {
    const bare = records.reduce((text, record) => text.replaceAll(record, ''), expr);
    const named = bare.match(/\b[a-z]+(_[a-z]+)+\b/g) ?? [];
    return named.filter((name) => !words.has(name) && !namesIn(name, metrics).includes(name));
  });
}
