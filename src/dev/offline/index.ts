export { type OfflineModel, type OfflineModelOptions, startOfflineModel } from './client';
export { type AnsweredEntry, type BilledEntry, billedCalls, type LedgerEntry, readLedger } from './ledger';
export type { OfflineState, Rule, RuleAction } from './protocol';
