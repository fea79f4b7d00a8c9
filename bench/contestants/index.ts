import { bare } from './bare';
import { bullmq } from './bullmq';
import { client } from './client';
import type { Contestant } from './contestant';
import { dbos } from './dbos';
import { direct } from './direct';
import { gateway } from './gateway';
import { pgBoss } from './pg-boss';
import { restate } from './restate';

/** In the order of the table. */
export const CONTESTANTS: readonly Contestant[] = [
  direct,
  bare,
  client,
  gateway,
  bullmq,
  dbos,
  pgBoss,
  restate,
];
