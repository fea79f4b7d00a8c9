export { inferenceJob } from './inference-job';
