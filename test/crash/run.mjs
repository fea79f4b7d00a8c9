// The crash tests alone: npm run test:crash -- [--times N] [--jobs N] [--seed N] [jest's own options].
// Needs the build. `--times` is how many kills at random moments (default 80); the tables come with every run.
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const USAGE = `npm run test:crash -- [--times N] [--jobs N] [--seed N] [FILE] [jest options]

  --times N   workers killed at random moments (default 80), beside the tables of named points
  --jobs N    jobs under which two workers on one PostgreSQL are killed (default 200)
  --seed N    draws the moments (default 1)

Example: npm run test:crash -- --times 1000
`;

const { values, tokens } = parseArgs({
  options: {
    times: { type: 'string' },
    jobs: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
  strict: false,
  tokens: true,
});

function count(name) {
  const value = values[name];
  if (value === undefined) return undefined;
  if (/^[1-9]\d*$/.test(String(value))) return String(value);
  process.stderr.write(`--${name} must be a whole number over 0, e.g. --${name} 1000.\n`);
  process.exit(2);
}

if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const own = new Set(['times', 'jobs', 'seed']);
const given = tokens.filter((token) => !(token.kind === 'option' && own.has(token.name)));
const first = given.findIndex(({ kind }) => kind === 'option');
const named = first < 0 ? given : given.slice(0, first);
// to jest alone any of several patterns would do, so that a name beside the folder's would choose nothing
const files = named.map(({ value }) => `test/crash/.*${value}`);
// what follows an option may be its value
const rest = given
  .slice(named.length)
  .map((token) =>
    token.kind === 'option' ? [token.rawName, token.value].filter(Boolean).join('=') : token.value,
  )
  .filter(Boolean);
const sizes = { CRASH_KILLS: count('times'), CRASH_JOBS: count('jobs'), CRASH_SEED: count('seed') };
const asked = Object.fromEntries(Object.entries(sizes).filter(([, size]) => size !== undefined));
const jest = createRequire(import.meta.url).resolve('jest/bin/jest');
const { status } = spawnSync(
  process.execPath,
  [jest, ...(files.length > 0 ? files : ['test/crash/']), ...rest],
  {
    stdio: 'inherit',
    env: { ...process.env, ...asked },
  },
);
process.exit(status ?? 1);
