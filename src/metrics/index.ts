export { countPassed } from './count-passed';
export { type CountedSubmission, countSubmission } from './count-submission';
export { createMetrics, type Metrics } from './metrics';
export { openMetrics, type ProcessMetrics } from './process';
export { meteredProvider } from './provider';
export { type MetricsServer, serveMetrics } from './serve';
export { MeteredStore } from './store';
export { addStoreGauges, type GaugeTimes } from './store-gauges';
