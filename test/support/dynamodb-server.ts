import { openDynamoStore } from '../../src/store/dynamodb';
import { AWS_ENV, startMoto } from './moto-server';

/** A DynamoDB server of a test's own. */
export interface DynamoServer {
  url: string;
  /** The store's URL of a table that is not there yet. */
  nextUrl(): string;
  /** The store's URL of a new table. */
  createTable(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one; this process's AWS settings are the test's from then on. */
export async function startDynamo(): Promise<DynamoServer> {
  for (const [name, value] of Object.entries(AWS_ENV)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';
  const { url, stop } = await startMoto();
  let tables = 0;
  const nextUrl = () => `dynamodb:store-${++tables}?endpoint=${url}&region=eu-west-1`;
  return {
    ...{ url, nextUrl, stop },
    async createTable() {
      const store = nextUrl();
      await (await openDynamoStore(store, { creates: true })).close();
      return store;
    },
  };
}
