export { JobClient } from './job-client';
export type {
  BegunJob,
  JobClientOptions,
  JobInput,
  ManyAnswer,
  ProviderCopies,
  RecordPage,
  RunAnswer,
  Submission,
  TypedRecord,
  WaitOptions,
} from './types';
