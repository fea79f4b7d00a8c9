export { JobClient } from './job-client';
export type {
  JobClientOptions,
  JobInput,
  ManyAnswer,
  ProviderCopies,
  TypedRecord,
  WaitOptions,
} from './types';
