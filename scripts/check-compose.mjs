// Holds docker-compose.yml and the Dockerfile to the rules that their schema and linter do not know.
// Run: node scripts/check-compose.mjs [folder]. Exits 1 with one sentence for each fault.
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parse } from 'yaml';

const EXACT_TAG = /:v?\d+\.\d+\.\d+(-[\w.-]+)?(@sha256:[0-9a-f]{64})?$/;
const RETIRED = ['temporalio/auto-setup', 'temporalio/web', 'temporalio/tctl'];
const ROOT_USER = /^(root|0)(:|$)/;
const SECONDS = { h: 3600, m: 60, s: 1, ms: 0.001 };

/** Room to save an answer after its call, and to leave after the last save; in seconds. */
const SPARE = 10;

function toSeconds(duration) {
  const parts = [...String(duration ?? '').matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== duration) return Number.NaN;
  return parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * SECONDS[unit], 0);
}

/** What the image built here says of itself: the last stage's user, its health check, every base image. */
function readDockerfile(path) {
  const lines = readFileSync(path, 'utf8').split('\n');
  const argumentsOf = (word) =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(/\s+/)[1] ?? '');
  const checks = argumentsOf('HEALTHCHECK').filter((argument) => argument !== 'NONE');
  return { bases: argumentsOf('FROM'), user: argumentsOf('USER').at(-1), hasHealthCheck: checks.length > 0 };
}

function findImageFaults({ image = '' }) {
  const repository = image.replace(/^docker\.io\//, '').replace(/[:@].*$/, '');
  return [
    !EXACT_TAG.test(image) && `has the image "${image}"; name one exact version`,
    RETIRED.includes(repository) && `uses ${repository}, which is deprecated; use temporalio/temporal`,
  ];
}

function findUserFaults(service, built) {
  const user = String(service.user ?? built?.user ?? '');
  return [(user === '' || ROOT_USER.test(user)) && 'runs as root; give it a user'];
}

function findHealthFaults(service, services, built) {
  const own = service.healthcheck;
  const checked = own ? Boolean(own.test) && own.disable !== true : built?.hasHealthCheck;
  const waits = Object.entries(Array.isArray(service.depends_on) ? {} : (service.depends_on ?? {}));
  return [
    !checked && 'has no health check, so nobody can wait for it',
    Array.isArray(service.depends_on) && 'waits for others only to start; use condition: service_healthy',
    ...waits.map(
      ([name, { condition }]) =>
        condition !== 'service_healthy' && `waits for ${name} only until ${condition}; use service_healthy`,
    ),
    ...waits.map(([name]) => !services[name] && `waits for ${name}, which is not there`),
  ];
}

function findPortFaults({ ports = [] }) {
  return ports.map((port) => {
    const address = typeof port === 'object' ? port.host_ip : /^(.+):[^:]+:[^:]+$/.exec(String(port))?.[1];
    const open = address !== '127.0.0.1' && address !== '[::1]';
    return open && `publishes ${JSON.stringify(port)} to the whole network; put 127.0.0.1: before it`;
  });
}

function findRestartFaults(service) {
  return [
    service.restart !== 'unless-stopped' && 'does not come back after a crash; say restart: unless-stopped',
  ];
}

/** A call that is cut off is paid for all the same, so a stopped worker has to outlast its longest call. */
function findGraceFaults({ stop_grace_period: stop, command, environment = {} }) {
  const { INFER_ONCE_CALL_TIMEOUT: call = 'unset', INFER_ONCE_SHUTDOWN_GRACE: grace = 'unset' } = environment;
  if (Number.isNaN(toSeconds(stop)))
    return ['has no stop_grace_period such as 30s; say how long it may take to stop'];
  if (!environment.INFER_ONCE_STORE_URL) return [];
  const makesCalls = !command?.includes('gateway');
  return [
    makesCalls &&
      !(toSeconds(grace) >= toSeconds(call) + SPARE) &&
      `has INFER_ONCE_SHUTDOWN_GRACE ${grace}, not ${SPARE} s over INFER_ONCE_CALL_TIMEOUT ${call}; a call in flight would be cut off and paid for`,
    !(toSeconds(stop) >= toSeconds(grace) + SPARE) &&
      `has stop_grace_period ${stop}, not ${SPARE} s over INFER_ONCE_SHUTDOWN_GRACE ${grace}; the engine would kill it in mid-call`,
  ];
}

function findSecretFaults({ environment = {} }) {
  if (Array.isArray(environment)) return ['lists its environment; write it as NAME: value'];
  return Object.entries(environment).map(
    ([name, value]) =>
      /KEY|SECRET|PASSWORD|TOKEN/.test(name) &&
      !name.endsWith('_FILE') &&
      value !== null &&
      `holds a value for ${name}; leave that to .env`,
  );
}

function findVersionFaults(folder, services) {
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const binaries = join(folder, 'dist/dev/temporal/versions.js');
  if (!existsSync(binaries)) return ['dist/dev/temporal/versions.js is not there; run npm ci first.'];
  const { cli } = createRequire(import.meta.url)(binaries).TEMPORAL_BINARIES;
  const expected = { 'infer-once': version, 'temporalio/temporal': cli.version };
  return Object.values(services).flatMap(({ image = '' }) => {
    const [repository, tag] = image.split(':');
    const wanted = expected[repository];
    if (wanted === undefined || wanted === tag) return [];
    return [
      `docker-compose.yml: ${image} is not the version that the project runs elsewhere; make it ${wanted}.`,
    ];
  });
}

function checkCompose(folder) {
  const { services } = parse(readFileSync(join(folder, 'docker-compose.yml'), 'utf8'));
  const dockerfile = readDockerfile(join(folder, 'Dockerfile'));
  const inServices = Object.entries(services).flatMap(([name, service]) => {
    const built = service.build ? dockerfile : undefined;
    return [
      ...findImageFaults(service),
      ...findUserFaults(service, built),
      ...findHealthFaults(service, services, built),
      ...findPortFaults(service),
      ...findRestartFaults(service),
      ...findGraceFaults(service),
      ...findSecretFaults(service),
    ]
      .filter(Boolean)
      .map((fault) => `docker-compose.yml: ${name} ${fault}.`);
  });
  const inDockerfile = [
    ...dockerfile.bases
      .filter((base) => !EXACT_TAG.test(base))
      .map((base) => `Dockerfile: FROM ${base} names no exact version.`),
    ...(ROOT_USER.test(dockerfile.user ?? 'root')
      ? ['Dockerfile: the image runs as root; end with a USER.']
      : []),
  ];
  return [...inServices, ...inDockerfile, ...findVersionFaults(folder, services)];
}

const faults = checkCompose(process.argv[2] ?? process.cwd());
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log('docker-compose.yml and Dockerfile keep every rule.');
