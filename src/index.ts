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
export { openStore } from './store/open';
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
