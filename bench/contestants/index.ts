import { bare } from './bare';
import { client } from './client';
import type { Contestant } from './contestant';
import { direct } from './direct';

/** In the order of the table. */
export const CONTESTANTS: readonly Contestant[] = [direct, bare, client];
