import { ConfigError } from '../errors';
import { toDynamoOpenFault } from './dynamodb-faults';
import { makeTable, prepareTable } from './dynamodb-schema';
import { DynamoStore } from './dynamodb-store';
import { DynamoTable } from './dynamodb-table';
import { LeaseWatch } from './lease-watch';
import type { ResultStore } from './store';
import { StoreClock } from './store-clock';

const CONNECT_TIMEOUT_MS = 3_000;
const REQUEST_TIMEOUT_MS = 5_000;
/** The SDK's own tries of one request, with growing pauses: also what a throttled table gets. */
const MOST_TRIES = 5;

export interface DynamoOptions {
  /** Make the table where it is missing; default false: a table is not made by looking at it. */
  creates?: boolean;
  /** This machine's clock, ms since the epoch; default `Date.now`. */
  wallClock?: () => number;
  /** Ms that only ever grow; default the process's own. */
  monotonic?: () => number;
}

/**
 * Opens the store in a table of Amazon DynamoDB. Any number of machines may have it open. Credentials, and where
 * the URL names none, the region and the endpoint, are as the AWS SDK's own environment says.
 *
 * @param url - `dynamodb:TABLE`, with `?region=` and `?endpoint=` where the environment has others
 * @throws ConfigError where the driver or the table is missing, the URL or the credentials don't serve;
 *   UnreachableError where DynamoDB does not answer
 *
 * @example
 * const store = await openDynamoStore('dynamodb:infer-once?region=eu-west-1');
 */
export async function openDynamoStore(url: string, options: DynamoOptions = {}): Promise<ResultStore> {
  const { table, region, endpoint } = parseUrl(url);
  const name = `the DynamoDB table ${table}`;
  const driver = await loadDriver(name);
  const db = new driver.DynamoDB({
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    maxAttempts: MOST_TRIES,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
  try {
    if (options.creates) await makeTable(db, table, driver.waitUntilTableExists);
    const asked = new DynamoTable(name, table, db);
    const { monotonic = () => performance.now(), wallClock = Date.now } = options;
    const clock = new StoreClock(monotonic);
    const clocks = { watch: new LeaseWatch(monotonic), wall: () => clock.tell(0, wallClock()) };
    return new DynamoStore(await prepareTable(asked), asked, clocks);
  } catch (error) {
    db.destroy();
    throw toDynamoOpenFault(error, name);
  }
}

async function loadDriver(name: string): Promise<typeof import('@aws-sdk/client-dynamodb')> {
  // the SDK's own switch; without it each start warns of a Node version that it still runs on
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return import('@aws-sdk/client-dynamodb').catch((error: unknown) => {
    throw new ConfigError(
      `The store URL names ${name}, which needs the package @aws-sdk/client-dynamodb: npm install @aws-sdk/client-dynamodb.`,
      error,
    );
  });
}

/** @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html */
const TABLE_NAME = /^[a-zA-Z0-9_.-]{3,255}$/;

function parseUrl(url: string): { table: string; region?: string; endpoint?: string } {
  const [table = '', query = ''] = url.slice('dynamodb:'.length).split(/\?(.*)/s);
  const { region, endpoint, ...others } = Object.fromEntries(new URLSearchParams(query));
  const isUsable = TABLE_NAME.test(table) && Object.keys(others).length === 0;
  if (!isUsable || (endpoint !== undefined && !/^https?:\/\/[^@]+$/.test(endpoint))) {
    throw new ConfigError(
      'INFER_ONCE_STORE_URL names no table of DynamoDB; it looks like dynamodb:TABLE, dynamodb:TABLE?region=eu-west-1 or dynamodb:TABLE?endpoint=http://127.0.0.1:8000&region=eu-west-1.',
    );
  }
  return { table, region, endpoint };
}
