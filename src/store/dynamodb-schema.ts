import { randomBytes } from 'node:crypto';
import type { CreateTableCommandInput, DynamoDB } from '@aws-sdk/client-dynamodb';
import { ConfigError } from '../errors';
import { INDEX, INDEXED } from './dynamodb-items';
import type { DynamoTable } from './dynamodb-table';

/** Of what the items look like. */
const VERSION = 1;
/** No job's key begins so. */
const META = { pk: '#infer-once', sk: 'meta' } as const;

/** The table, billed by request. Whoever makes it by other means (Terraform, CloudFormation) makes it so. */
export const tableSpec = (TableName: string): CreateTableCommandInput => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  AttributeDefinitions: ['pk', 'sk', 'list_pk', 'list_sk'].map((AttributeName) => ({
    AttributeName,
    AttributeType: 'S',
  })),
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  GlobalSecondaryIndexes: [
    {
      IndexName: INDEX,
      KeySchema: [
        { AttributeName: 'list_pk', KeyType: 'HASH' },
        { AttributeName: 'list_sk', KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: [...INDEXED] },
    },
  ],
});

/** How often a table that is being made is asked for; AWS takes some ten seconds. */
const WAIT = { minDelay: 1, maxDelay: 5, maxWaitTime: 300 };

/** Makes the table where it is missing, and waits until it takes requests; any number may do so at once. */
export async function makeTable(
  db: DynamoDB,
  table: string,
  waitUntilTableExists: typeof import('@aws-sdk/client-dynamodb')['waitUntilTableExists'],
): Promise<void> {
  const isThere = await db.describeTable({ TableName: table }).then(
    ({ Table }) => Table?.TableStatus === 'ACTIVE',
    (error: Error) => {
      if (error.name !== 'ResourceNotFoundException') throw error;
      return false;
    },
  );
  if (isThere) return;
  await db.createTable(tableSpec(table)).catch((error: Error) => {
    // another process makes it
    if (error.name !== 'ResourceInUseException') throw error;
  });
  await waitUntilTableExists({ client: db, ...WAIT }, { TableName: table });
}

/**
 * Reads what is known of the store, and writes it into an empty table.
 *
 * @returns the store's id
 * @throws ConfigError for a newer store
 */
export async function prepareTable(table: DynamoTable): Promise<string> {
  for (;;) {
    const meta = await table.get(META.pk, META.sk);
    if (meta) {
      const version = Number(meta.version?.N);
      if (version === VERSION) return meta.store_id!.S!;
      throw new ConfigError(
        `The store in ${table.name} was made by a newer infer-once (schema ${version}, this one knows ${VERSION}); update infer-once on this machine.`,
      );
    }
    const store_id = { S: randomBytes(8).toString('hex') };
    // of several processes one writes it; all read it
    await table.put(
      { pk: { S: META.pk }, sk: { S: META.sk }, store_id, version: { N: String(VERSION) } },
      null,
    );
  }
}
