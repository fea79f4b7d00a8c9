import { setTimeout as pause } from 'node:timers/promises';
import type { AttributeValue, DynamoDB, QueryCommandInput, ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { UnreachableError } from '../errors';
import { toDynamoFault } from './dynamodb-faults';

/** An item as DynamoDB takes and gives it. */
export type Item = Record<string, AttributeValue>;

/** The most that BatchGetItem takes. */
const MOST_AT_ONCE = 100;
const MOST_PAUSES = 8;
const FIRST_PAUSE_MS = 25;

/**
 * The requests that the store makes of its one table. Every read of an item is consistent; whatever fails is
 * an UnreachableError in words for people.
 */
export class DynamoTable {
  private closed = false;

  /**
   * @param name - what messages call the table
   * @param table - its own name
   */
  constructor(
    readonly name: string,
    private readonly table: string,
    private readonly db: DynamoDB,
  ) {}

  async get(pk: string, sk: string): Promise<Item | undefined> {
    const Key = { pk: { S: pk }, sk: { S: sk } };
    const { Item } = await this.ask(() =>
      this.db.getItem({ TableName: this.table, Key, ConsistentRead: true }),
    );
    return Item;
  }

  /**
   * Writes a whole item.
   *
   * @param revision - of the item that it replaces; null = there is none; absent = whatever is there
   * @returns false where the item is not at that revision, and nothing was written
   */
  async put(item: Item, revision?: string | null): Promise<boolean> {
    return this.askIf(() => this.db.putItem({ TableName: this.table, Item: item, ...onlyAt(revision) }));
  }

  /** Takes an attribute off an item of that revision. */
  async unset(pk: string, sk: string, attribute: string, revision: string): Promise<boolean> {
    return this.askIf(() =>
      this.db.updateItem({
        TableName: this.table,
        Key: { pk: { S: pk }, sk: { S: sk } },
        UpdateExpression: `REMOVE ${attribute}`,
        ...onlyAt(revision),
      }),
    );
  }

  /** @returns false where the item is not at that revision; absent = whatever is there */
  async remove(pk: string, sk: string, revision?: string): Promise<boolean> {
    const Key = { pk: { S: pk }, sk: { S: sk } };
    return this.askIf(() => this.db.deleteItem({ TableName: this.table, Key, ...onlyAt(revision) }));
  }

  /** The pages of a query, one after the other. */
  async *query(input: Omit<QueryCommandInput, 'TableName'>): AsyncGenerator<Item[]> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const asked = { ...input, TableName: this.table, ExclusiveStartKey };
      const page = await this.ask(() => this.db.query(asked));
      yield page.Items ?? [];
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  /** The pages of a scan, one after the other. */
  async *scan(input: Omit<ScanCommandInput, 'TableName'>): AsyncGenerator<Item[]> {
    let ExclusiveStartKey: Item | undefined;
    do {
      const asked = { ...input, TableName: this.table, ExclusiveStartKey };
      const page = await this.ask(() => this.db.scan(asked));
      yield page.Items ?? [];
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
  }

  /** The items of these keys that are there, in no order. */
  async getMany(keys: { pk: string; sk: string }[]): Promise<Item[]> {
    const found: Item[] = [];
    let wanted = keys.map(({ pk, sk }) => ({ pk: { S: pk }, sk: { S: sk } }) as Item);
    for (let pauses = 0; wanted.length > 0; ) {
      const Keys = wanted.slice(0, MOST_AT_ONCE);
      const RequestItems = { [this.table]: { Keys, ConsistentRead: true } };
      const answer = await this.ask(() => this.db.batchGetItem({ RequestItems }));
      const got = answer.Responses?.[this.table] ?? [];
      const left = answer.UnprocessedKeys?.[this.table]?.Keys ?? [];
      found.push(...got);
      wanted = [...left, ...wanted.slice(MOST_AT_ONCE)];
      // 16 MB are an ordinary end of an answer; none at all is a table that is throttled
      if (left.length < Keys.length) pauses = 0;
      else if (++pauses > MOST_PAUSES) throw toDynamoFault({ name: 'ThrottlingException' }, this.name);
      else await pause(FIRST_PAUSE_MS * 2 ** pauses);
    }
    return found;
  }

  close(): void {
    this.closed = true;
    this.db.destroy();
  }

  private async ask<T>(request: () => Promise<T>): Promise<T> {
    if (this.closed)
      throw new UnreachableError('store', `The store in ${this.name} is closed; open it again.`);
    try {
      return await request();
    } catch (error) {
      throw toDynamoFault(error, this.name);
    }
  }

  private async askIf(request: () => Promise<unknown>): Promise<boolean> {
    return this.ask(() =>
      request().then(
        () => true,
        (error: Error) => {
          if (error.name === 'ConditionalCheckFailedException') return false;
          throw error;
        },
      ),
    );
  }
}

function onlyAt(revision: string | null | undefined) {
  if (revision === undefined) return {};
  if (revision === null) return { ConditionExpression: 'attribute_not_exists(pk)' };
  return { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': { S: revision } } };
}
