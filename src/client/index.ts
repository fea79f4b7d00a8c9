export { JobClient } from './job-client';
export type {
  JobClientOptions,
  JobInput,
  ManyAnswer,
  ProviderCopies,
  RecordPage,
  RunAnswer,
  TypedRecord,
  WaitOptions,
} from './types';
