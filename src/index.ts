export type {
  JobClientOptions,
  JobInput,
  ManyAnswer,
  RecordPage,
  RunAnswer,
  Submission,
  TypedRecord,
  WaitOptions,
} from './client';
export { JobClient } from './client';
export type { Jobs } from './client/jobs';
export { type PurgeOptions, type PurgeRule, type PurgeStep, purgeJobs } from './client/purge';
export { encryptedDataConverter } from './encryption/data-converter';
export { type EncryptionKeys, encryptionKeysOf } from './encryption/keys';
export { loadEncryptionKeys } from './encryption/keys-file';
export { EncryptionCodec } from './encryption/payload-codec';
export * from './errors';
export { GatewayClient, type GatewayClientOptions } from './gateway-client';
export type {
  Billed,
  DecisionRecord,
  Doubt,
  JobArgument,
  JobErrorCode,
  JobRecord,
  JobStatus,
  Refusal,
  ReopenPermit,
  ResultSource,
  SubmitAnswer,
  Usage,
} from './job';
export { openStore, type StoreOptions } from './store/open';
export type { ListFilter, ResultStore } from './store/store';
export { defineTask } from './tasks/define';
export { enrich } from './tasks/enrich';
export { prompt } from './tasks/prompt';
export type {
  ChatRequest,
  OnUnknown,
  RecoverySetting,
  RequestContext,
  Task,
  TaskInput,
  TaskOutput,
} from './tasks/task';
