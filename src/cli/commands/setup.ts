import type { Command } from 'commander';
import { UserError } from '../../errors';
import { type ClientOptions, withParts } from '../context';
import { addEpilogue } from '../help';
import { printText } from '../output';

/** `setup`: makes the store's tables and registers the search attributes. */
export function addSetup(program: Command): void {
  const command = program
    .command('setup')
    .summary("make the store's tables and the search attributes")
    .description(
      "Makes the store's tables and registers the search attributes of jobs in the Temporal namespace. Running it again is harmless.",
    )
    .option('--data-dir <folder>', 'where infer-once dev keeps its data (default: .infer-once)')
    .action(setUp);
  addEpilogue(
    command,
    ['INFER_ONCE_STORE_URL=sqlite:/var/lib/infer-once/store.db infer-once setup'],
    [0, 2, 6],
    ['infer-once dev does this by itself.'],
  );
}

async function setUp(options: ClientOptions): Promise<void> {
  const { registerSearchAttributes } = await import('../search-attributes.js');
  await withParts(
    options,
    async ({ client, store, places, reachTemporal }) => {
      await reachTemporal();
      printText(
        store
          ? `store: its tables are there (store ${store.id})`
          : 'store: none is named here; set INFER_ONCE_STORE_URL to set one up',
      );
      const { namespace } = client.options;
      try {
        const added = await registerSearchAttributes(client);
        printText(
          added.length > 0
            ? `search attributes: registered ${added.join(', ')} in namespace ${namespace}`
            : `search attributes: all are there in namespace ${namespace}`,
        );
      } catch (error) {
        if (!isRefusal(error)) throw error;
        throw new UserError(
          `Temporal at ${places.temporal.address} does not let this client register search attributes; ask whoever runs it to add JobTask, JobStatus, JobModel (Keyword), JobTokens (Int) and JobCostUsd (Double). Jobs run without them.`,
          { code: 'temporal_refused', cause: error },
        );
      }
    },
    { creates: true },
  );
}

const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;

function isRefusal(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return code === PERMISSION_DENIED || code === UNIMPLEMENTED;
}
