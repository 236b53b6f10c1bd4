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
  RateRuleOptions,
  RuleOptions,
  UseRuleOptions,
} from './rules.js';
export { SIGNATURE_HEADER, verifySignature, webhookChannel, type WebhookChannel, type WebhookChannelOptions } from './webhook-channel.js';
