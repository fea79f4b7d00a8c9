import type { QueryCommandInput } from '@aws-sdk/client-dynamodb';
import { JOB_STATUSES } from '../job';
import { changedAt, INDEX, listPartition, listPosition, SHARDS, toStats } from './dynamodb-items';
import { inLanes } from './dynamodb-pieces';
import type { DynamoTable } from './dynamodb-table';
import type { Position } from './page';
import { sumStats } from './stats';
import type { ListFilter, StatsRow } from './store';

/** The places of a list, newest change first, at most `limit`; as the index knows them, which is a moment late. */
export async function findPlaces(
  table: DynamoTable,
  filter: ListFilter,
  after: Position | null,
  limit: number,
): Promise<Position[]> {
  const statuses = filter.status === undefined ? JOB_STATUSES : [filter.status];
  const partitions = statuses.flatMap((status) =>
    Array.from({ length: SHARDS }, (_, shard) => listPartition(status, shard)),
  );
  const found: Position[] = [];
  await inLanes(partitions, async (partition) => {
    found.push(...(await findInPartition(table, partition, filter, after, limit)));
  });
  const newest = new Map<string, Position>();
  for (const place of found) {
    // a job on its way from one status to another may be in the index twice
    const known = newest.get(place.key);
    if (!known || known.updated_at < place.updated_at) newest.set(place.key, place);
  }
  return [...newest.values()]
    .sort((a, b) => b.updated_at - a.updated_at || (a.key < b.key ? 1 : -1))
    .slice(0, limit);
}

async function findInPartition(
  table: DynamoTable,
  partition: string,
  { task, tenant }: ListFilter,
  after: Position | null,
  limit: number,
): Promise<Position[]> {
  const names: Record<string, string> = {};
  const values: QueryCommandInput['ExpressionAttributeValues'] = { ':partition': { S: partition } };
  const filters: string[] = [];
  if (task !== undefined) {
    Object.assign(names, { '#task': 'task' });
    values[':task'] = { S: task };
    filters.push('#task = :task');
  }
  if (tenant !== undefined) filters.push(ofTenant(tenant, names, values));
  if (after) values[':after'] = { S: listPosition(after) };
  const pages = table.query({
    IndexName: INDEX,
    KeyConditionExpression: `list_pk = :partition${after ? ' AND list_sk < :after' : ''}`,
    ...(filters.length > 0 && { FilterExpression: filters.join(' AND ') }),
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ExpressionAttributeValues: values,
    ScanIndexForward: false,
    // a filter is applied to what was read: with one, read whole pages
    ...(filters.length === 0 && { Limit: limit }),
  });
  const places: Position[] = [];
  for await (const items of pages) {
    places.push(...items.map((item) => ({ updated_at: changedAt(item), key: item.pk!.S! })));
    if (places.length >= limit) break;
  }
  return places.slice(0, limit);
}

/** Sums over the whole index, page by page. */
export async function scanStats(table: DynamoTable, tenant: string | null | undefined): Promise<StatsRow[]> {
  const names: Record<string, string> = {};
  const values: QueryCommandInput['ExpressionAttributeValues'] = {};
  const FilterExpression = tenant === undefined ? undefined : ofTenant(tenant, names, values);
  const pages = table.scan({
    IndexName: INDEX,
    ...(FilterExpression && { FilterExpression, ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  });
  let sums: StatsRow[] = [];
  for await (const items of pages) sums = sumStats([...sums, ...items.map(toStats)]);
  return sums;
}

function ofTenant(
  tenant: string | null,
  names: Record<string, string>,
  values: NonNullable<QueryCommandInput['ExpressionAttributeValues']>,
): string {
  names['#tenant'] = 'tenant';
  if (tenant === null) return 'attribute_not_exists(#tenant)';
  values[':tenant'] = { S: tenant };
  return '#tenant = :tenant';
}
