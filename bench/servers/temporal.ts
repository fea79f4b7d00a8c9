import { join } from 'node:path';
import { type DevServerOptions, findFreePort, startDevServer } from '../../src/dev/temporal';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/attributes';
import { openClient } from '../support/open-client';
import type { AtEnd, TemporalServer } from '../world';

/**
 * The dev server as `infer-once dev` starts it: on a file, its queues polled at once.
 *
 * @param dynamicConfig - what is to be other than there
 */
export async function startTemporal(
  folder: string,
  versions: Record<string, string>,
  atEnd: AtEnd,
  dynamicConfig: DevServerOptions['dynamicConfig'] = {},
): Promise<TemporalServer> {
  const server = await startDevServer({
    port: await findFreePort(),
    uiPort: 0,
    headless: true,
    dynamicConfig,
    dbFilename: join(folder, 'temporal.db'),
    searchAttributes: Object.fromEntries(
      SEARCH_ATTRIBUTES.map(({ name, type }) => [name, type[0] + type.slice(1).toLowerCase()]),
    ),
  });
  atEnd(() => server.stop());
  const { address, pid } = server;
  const client = await openClient(address);
  const { serverVersion } = await client.workflowService.getSystemInfo({});
  versions["Temporal's dev server"] = serverVersion;
  return { client, address, pid };
}
