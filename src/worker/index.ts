export { type ActivityDeps, createActivities, type JobLog } from '../activities';
export { addStoreGauges, createMetrics, MeteredStore, type Metrics, serveMetrics } from '../metrics';
export { providerCopies } from '../provider/copies';
export { createProvider, type ProviderOptions } from '../provider/openai';
export type { Provider } from '../provider/provider';
export { openStore } from '../store/open';
export { loadTasks, type TaskRegistry } from '../tasks/registry';
export { createJobWorker, type JobWorkerOptions } from './create';
