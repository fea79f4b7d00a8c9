// Holds package.json and package-lock.json to what makes `npm ci` work the same on every machine.
// Run: node scripts/check-lock.mjs [folder]. Exits 1 with one sentence for each fault.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/;

/** The machines people develop on; musl only for tools, since Temporal's native core needs glibc. */
const PLATFORMS = [
  { os: 'darwin', cpu: 'arm64' },
  { os: 'darwin', cpu: 'x64' },
  { os: 'linux', cpu: 'arm64', libc: 'glibc' },
  { os: 'linux', cpu: 'arm64', libc: 'musl' },
  { os: 'linux', cpu: 'x64', libc: 'glibc' },
  { os: 'linux', cpu: 'x64', libc: 'musl' },
  { os: 'win32', cpu: 'x64' },
];

/** Packages that carry the builds of every platform inside, and where. */
const BUILDS_INSIDE = {
  '@photostructure/sqlite': [
    'prebuilds/darwin-arm64',
    'prebuilds/darwin-x64',
    'prebuilds/linux-arm64',
    'prebuilds/linux-x64',
    'prebuilds/win32-x64',
  ],
  '@temporalio/core-bridge': [
    'releases/aarch64-apple-darwin',
    'releases/x86_64-apple-darwin',
    'releases/aarch64-unknown-linux-gnu',
    'releases/x86_64-unknown-linux-gnu',
    'releases/x86_64-pc-windows-msvc',
  ],
};

/** Native packages that have to be recognised as such; else the platform rule would hold for nothing. */
const KNOWN_NATIVE = ['@biomejs/biome', '@swc/core', 'unrs-resolver'];

const nameOf = (path) => path.split('node_modules/').pop();

function findInexactVersions(manifest) {
  return ['dependencies', 'devDependencies', 'overrides'].flatMap((section) =>
    Object.entries(manifest[section] ?? {})
      .filter(([, version]) => !EXACT.test(version))
      .map(
        ([name, version]) => `package.json: ${section} has ${name} as "${version}"; pin one exact version.`,
      ),
  );
}

function findRegistryHosts(packages) {
  return packages
    .filter(([, entry]) => entry.resolved !== undefined && !entry.link)
    .map(
      ([path, entry]) =>
        `package-lock.json: ${nameOf(path)} names where it was downloaded (${entry.resolved}); run npm install with omit-lockfile-registry-resolved=true, so that everyone's own registry serves it.`,
    );
}

function findMissingIntegrity(packages) {
  return packages
    .filter(([, entry]) => !entry.integrity && !entry.link && !entry.inBundle)
    .map(
      ([path]) =>
        `package-lock.json: ${nameOf(path)} has no integrity hash; remove its entry and run npm install.`,
    );
}

function serves(entry, { os, cpu, libc }) {
  const allows = (list, value) => list === undefined || list.includes(value);
  return entry.os?.includes(os) && allows(entry.cpu, cpu) && (!libc || allows(entry.libc, libc));
}

/** Native packages ship one optional dependency a platform; one that serves a single system is no such family. */
function listNativeFamilies(packages) {
  return packages
    .map(([path, entry]) => [nameOf(path), Object.keys(entry.optionalDependencies ?? {})])
    .filter(([, builds]) => builds.filter((name) => /darwin|linux|win32/.test(name)).length > 1);
}

function findMissingPlatforms(packages) {
  const families = listNativeFamilies(packages);
  const byName = new Map(packages.map(([path, entry]) => [nameOf(path), entry]));
  const unknown = KNOWN_NATIVE.filter((name) => !families.some(([family]) => family === name)).map(
    (name) =>
      `package-lock.json: ${name} lists no builds for platforms any more; update scripts/check-lock.mjs.`,
  );
  const missing = families.flatMap(([family, builds]) => {
    const entries = builds.map((name) => byName.get(name)).filter(Boolean);
    return PLATFORMS.filter((platform) => !entries.some((entry) => serves(entry, platform))).map(
      (platform) =>
        `package-lock.json: ${family} has no build for ${Object.values(platform).join(' ')}, so npm ci or the tool fails there; pin a version whose builds are all published, and make the lock anew.`,
    );
  });
  return [...unknown, ...missing];
}

function findMissingBuilds(folder) {
  return Object.entries(BUILDS_INSIDE).flatMap(([name, builds]) => {
    const root = join(folder, 'node_modules', name);
    if (!existsSync(root)) return [`node_modules/${name} is not there; run npm ci first.`];
    return builds
      .filter((build) => !existsSync(join(root, build)))
      .map((build) => `${name} carries no ${build}, so it would not run there; pin a version that does.`);
  });
}

/** Every dependency's install script is refused by name: none is needed, and a new one is a decision. */
function findUndecidedScripts(manifest, packages) {
  const decided = manifest.allowScripts ?? {};
  const withScript = new Set(
    packages.filter(([, entry]) => entry.hasInstallScript).map(([path]) => nameOf(path)),
  );
  const undecided = [...withScript]
    .filter((name) => decided[name] !== false)
    .map(
      (name) =>
        `package.json: ${name} wants to run an install script and allowScripts does not refuse it; see whether it works without, then run npm install-scripts deny ${name}.`,
    );
  const stale = Object.keys(decided)
    .filter((name) => !withScript.has(name))
    .map(
      (name) =>
        `package.json: allowScripts names ${name}, which has no install script; run npm install-scripts prune.`,
    );
  return [...undecided, ...stale];
}

function checkLock(folder) {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8'));
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '');
  return [
    ...findInexactVersions(manifest),
    ...findRegistryHosts(packages),
    ...findMissingIntegrity(packages),
    ...findMissingPlatforms(packages),
    ...findMissingBuilds(folder),
    ...findUndecidedScripts(manifest, packages),
  ];
}

const faults = checkLock(process.argv[2] ?? '.');
for (const fault of faults) console.error(fault);
if (faults.length > 0) process.exit(1);
console.log('package.json and package-lock.json keep every rule.');
