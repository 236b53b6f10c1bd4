/** `nestjs-bulwark/alerts`: notifications on what policies do. */
export type { Alert, AlertChannel, AlertSeverity } from './alert.js';
export { loggerChannel } from './logger-channel.js';
export { ResilienceAlertsModule, type ResilienceAlertsOptions } from './resilience-alerts.module.js';
export { onBulkheadUse, onCondition, onErrorRate, onEvent, onFrequentClient, onOpenCircuit, onRejectionRate } from './rules.js';
export type {
  AlertRule,
  ClientRuleOptions,
  ConditionRuleOptions,
  EventRuleOptions,
  OpenCircuitRuleOptions,
  RateRuleOptions,
  RuleOptions,
  UseRuleOptions,
} from './rules.js';
export { SIGNATURE_HEADER, verifySignature } from './webhook/signature.js';
export { webhookChannel, type WebhookChannel } from './webhook/webhook-channel.js';
export type { SendRequest, WebhookChannelOptions } from './webhook/webhook-options.js';
