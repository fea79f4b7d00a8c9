import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { findPythonPackages, PYTHON } from './python';

const SERVER = join(__dirname, 'moto_server.py');
const MOTO = ['moto==5.2.1', 'flask==3.1.3', 'flask-cors==6.0.5'] as const;

/** What the AWS SDK of a process under test is told; nothing of the machine's own AWS settings. */
export const AWS_ENV: NodeJS.ProcessEnv = {
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  AWS_SESSION_TOKEN: undefined,
  AWS_PROFILE: undefined,
  AWS_ENDPOINT_URL: undefined,
  AWS_ENDPOINT_URL_SQS: undefined,
  AWS_ENDPOINT_URL_DYNAMODB: undefined,
  AWS_CONFIG_FILE: '/dev/null',
  AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  AWS_EC2_METADATA_DISABLED: 'true',
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: undefined,
};

/** The same, for a process that is started with nothing else. */
export const AWS_CHILD_ENV: Record<string, string> = Object.fromEntries(
  Object.entries(AWS_ENV).flatMap(([name, value]) => (value ? [[name, value]] : [])),
);
// in the tests' own process alone: that the product keeps it quiet is for the product to show
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** A server of AWS's services, a process that ends with this one. */
export interface MotoServer {
  url: string;
  stop(): Promise<void>;
}

/** Starts one, with nothing in it. */
export async function startMoto(): Promise<MotoServer> {
  const folder = findPythonPackages(...MOTO);
  if (!folder) throw new Error(`pip can't fetch ${MOTO[0]}, the AWS server that these tests need`);
  const env = { ...process.env, ...AWS_ENV, PYTHONPATH: folder };
  const child = spawn(PYTHON, [SERVER], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return {
    url: line.replace('ready ', ''),
    async stop() {
      const ended = once(child, 'exit');
      child.stdin.end();
      await ended;
    },
  };
}
