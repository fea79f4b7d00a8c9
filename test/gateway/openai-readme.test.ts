import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { needPythonPackage, OPENAI } from '../support/python-client';
import { startWorld, type World } from '../support/world';
import { startGateway, type TestGateway } from './support';

const run = promisify(execFile);
const ROOT = join(__dirname, '..', '..');
const section = readFileSync(join(ROOT, 'README.md'), 'utf8').split('### You have an OpenAI client')[1]!;
const packages = needPythonPackage(OPENAI);

describe("README's programs", () => {
  let world: World;
  let gateway: TestGateway;
  beforeAll(async () => {
    world = await startWorld();
    await world.addWorker();
    gateway = await startGateway(world);
  });
  afterAll(async () => {
    await gateway.stop();
    await world.stop();
  });

  const program = (language: string) => {
    const text = section.split(`\`\`\`${language}\n`)[1]?.split('```')[0] ?? '';
    expect(text).toContain('http://127.0.0.1:8080');
    return text.replace('http://127.0.0.1:8080', gateway.url);
  };

  test('in two languages they are one job: one call, one answer', async () => {
    const node = await run(process.execPath, ['--input-type=module', '-e', program('js')], { cwd: ROOT });
    expect(node.stdout).toContain('stand-in');
    const env = { ...process.env, PYTHONPATH: packages };
    const python = await run('python3', ['-c', program('python')], { env });
    expect(python.stdout).toBe(node.stdout);
    expect(world.model.billed('film-question-1')).toBe(1);
    expect(world.model.billed()).toBe(1);
  });
});
