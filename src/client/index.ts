export { JobClient } from './job-client';
export type {
  JobClientOptions,
  JobInput,
  ManyAnswer,
  ProviderCopies,
  RecordPage,
  TypedRecord,
  WaitOptions,
} from './types';
