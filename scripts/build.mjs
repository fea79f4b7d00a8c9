// Builds dist: the compiled sources, the page's files as they are, and the workflow code as one bundle, so that a
// worker starts at once.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const dist = join(root, 'dist');
// made beside, then moved into place: a failed build leaves the last good one
const fresh = mkdtempSync(join(root, '.dist-'));

try {
  const tsc = join(dirname(require.resolve('typescript/package.json')), 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', fresh], {
    cwd: root,
    stdio: 'inherit',
  });
  const page = join('gateway', 'page', 'static');
  cpSync(join(root, 'src', page), join(fresh, page), { recursive: true });
  const workflows = join(fresh, 'workflows');
  const tracing = require.resolve('@temporalio/interceptors-opentelemetry/lib/workflow-interceptors');
  writeFileSync(join(fresh, 'workflow-bundle.js'), await bundleWorkflows(workflows));
  // a bundle of its own, so that who wants no traces runs no code of theirs
  writeFileSync(join(fresh, 'workflow-bundle-traced.js'), await bundleWorkflows(workflows, [tracing]));
  chmodSync(join(fresh, 'cli', 'main.js'), 0o755);
  chmodSync(fresh, 0o755);
  const old = `${fresh}-old`;
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
} catch (error) {
  rmSync(fresh, { recursive: true, force: true });
  // the compiler has said what is wrong
  if (error.status === undefined) console.error(error);
  process.exitCode = 1;
}

async function bundleWorkflows(folder, workflowInterceptorModules = []) {
  const { bundleWorkflowCode } = require('@temporalio/worker');
  const quiet = () => {};
  const logger = {
    trace: quiet,
    debug: quiet,
    info: quiet,
    log: quiet,
    warn: console.warn,
    error: console.error,
  };
  const workflowsPath = join(folder, 'index.js');
  const failureConverterPath = join(folder, 'failure-converter.js');
  const options = { workflowsPath, workflowInterceptorModules, failureConverterPath, logger };
  const { code } = await bundleWorkflowCode(options);
  return code;
}
