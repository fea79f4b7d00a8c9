import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../../config';
import { ConfigError } from '../../errors';
import { type ClientOptions, withParts } from '../context';
import { check, describeFinding, type Finding, worstExitCode } from '../doctor/check';
import {
  checkNamespace,
  checkProvider,
  checkSearchAttributes,
  checkStore,
  checkTasks,
  checkWorkers,
  findStoreWarnings,
} from '../doctor/checks';
import { addEpilogue } from '../help';
import { printText } from '../output';
import { findPlaces, type Places } from '../places';
import { countOf } from '../record-text';

interface DoctorOptions extends ClientOptions {
  repair?: boolean;
  quiet?: boolean;
}

/** `doctor`: looks at every part; `--repair` starts orphans. */
export function addDoctor(program: Command): void {
  const command = program
    .command('doctor')
    .summary('check every part and say what is wrong')
    .description(
      'Looks at every part, says what is there (ok) or what is wrong and what to do (!!). Costs nothing: the provider is not called. Ends within 10 s without --repair, so that it serves as a health check.',
    )
    .option('--repair', 'then start every job that is not settled and has no open run')
    .option('--quiet', 'print faults only')
    .option('--data-dir <folder>', 'where infer-once dev keeps its data (default: .infer-once)')
    .action(doctor);
  addEpilogue(
    command,
    ['infer-once doctor', 'infer-once doctor --repair'],
    [0, 2, 6],
    [
      'Search attributes that are missing are no fault: jobs run without them. With INFER_ONCE_GATEWAY_URL it looks at that gateway, as the other commands do.',
    ],
  );
}

async function doctor(options: DoctorOptions): Promise<void> {
  const config = loadConfig(process.env);
  const findings =
    config.gatewayUrl === undefined
      ? await lookAtParts(config, options)
      : await lookAtGateway(config, options);
  for (const finding of findings) {
    if (!options.quiet || !finding.isOk) printText(describeFinding(finding));
  }
  process.exitCode = worstExitCode(findings);
  if (options.repair) await repair(options);
}

async function lookAtParts(config: Config, options: DoctorOptions): Promise<Finding[]> {
  const places = await findPlaces(config, options.dataDir);
  const findings = await Promise.all([
    lookAtTemporal(places.temporal, config.taskQueue),
    lookAtStore(places, config),
    check('tasks', () => checkTasks(config)),
    check('provider', () => checkProvider(config, places)),
  ]);
  return findings.flat();
}

/** What is lost only when its server dies is a warning, and no fault: the part serves. */
async function lookAtStore(places: Places, config: Config): Promise<Finding[]> {
  const store = await check('store', () => checkStore(places, config));
  if (!store.isOk) return [store];
  let warnings: string[] | null = null;
  const durability = await check('durability', async () => {
    warnings = await findStoreWarnings(places);
    return 'what is acknowledged is on disk, and nothing is evicted';
  });
  if (!durability.isOk) return [store, durability];
  const found = (warnings ?? []).map((text) => ({ ...durability, isOk: false, text }));
  return [store, ...(warnings === null || found.length > 0 ? found : [durability])];
}

/** The other commands talk to it alone. */
async function lookAtGateway(config: Config, { repair, dataDir }: DoctorOptions): Promise<Finding[]> {
  if (repair || dataDir !== undefined) {
    const option = repair ? '--repair' : '--data-dir';
    throw new ConfigError(
      `${option} is about Temporal and the store themselves; unset INFER_ONCE_GATEWAY_URL, and run it beside them.`,
    );
  }
  const { checkGateway, checkGatewayKey } = await import('../doctor/gateway.js');
  const gateway = await check('gateway', () => checkGateway(config));
  return gateway.isOk ? [gateway, await check('key', () => checkGatewayKey(config))] : [gateway];
}

/** Without an answer from it there is no more to ask. */
async function lookAtTemporal(
  temporal: Awaited<ReturnType<typeof findPlaces>>['temporal'],
  taskQueue: string,
): Promise<Finding[]> {
  let client: Client | undefined;
  const server = await check('temporal', async () => {
    const { connectClient } = await import('../../client/connect.js');
    const connection = { ...temporal.connection, connectTimeout: 5_000 };
    client = await connectClient({ ...temporal, connection });
    return checkNamespace(client, temporal.address);
  });
  if (!server.isOk || !client) return [server];
  const connected = client;
  const others = await Promise.all([
    check('search attributes', () => checkSearchAttributes(connected)),
    check('worker', () => checkWorkers(connected, taskQueue)),
  ]);
  return [server, ...others];
}

async function repair(options: DoctorOptions): Promise<void> {
  await withParts(options, async ({ jobs, store }) => {
    if (!store)
      throw new ConfigError('--repair needs the store that the workers use; set INFER_ONCE_STORE_URL.');
    let started = 0;
    for await (const { job_id, tenant, status, started: isStarted } of jobs.repair()) {
      const name = tenant === null ? job_id : `${tenant}/${job_id}`;
      if (isStarted) started += 1;
      printText(
        isStarted
          ? `ok  repaired: ${name}, ${status} without a run, was started`
          : `!!  not repaired: ${name}, ${status}; Temporal holds a completed run of it, submit it again to take its result over`,
      );
    }
    if (!options.quiet) printText(`ok  repair: ${countOf(started, 'orphan')} started`);
  });
}
