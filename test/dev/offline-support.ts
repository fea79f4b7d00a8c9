import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { type LedgerEntry, type OfflineModel, startOfflineModel } from '../../src/dev/offline';

/** The response format that the `enrich` task asks with. */
export const ENRICH = {
  type: 'json_schema',
  json_schema: { name: 'enrich', schema: { type: 'object', properties: {}, required: [] } },
} as const;

type ChatParams = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming>;

/** The offline model of one test file, with the official client beside it. */
export class OfflineHarness {
  model!: OfflineModel;
  openai!: OpenAI;
  readonly folder = mkdtempSync(join(tmpdir(), 'infer-once-offline-test-'));

  /** Starts it, again after a crash, on the same ledger. */
  async start(): Promise<void> {
    this.model = await startOfflineModel({ ledger: join(this.folder, 'ledger.jsonl') });
    this.openai = new OpenAI({ baseURL: this.model.baseUrl, apiKey: 'any', maxRetries: 0 });
  }

  /** Asks for a stored completion that names this job. */
  ask(jobId: string, more?: ChatParams, options?: { signal: AbortSignal }) {
    const usual = {
      model: 'gpt-5-mini',
      messages: [{ role: 'user' as const, content: `Say something about ${jobId}.` }],
      store: true,
      metadata: { job_id: jobId, call_id: `call-of-${jobId}` },
    };
    return this.openai.chat.completions.create({ ...usual, ...more }, options);
  }

  /** The ids of the stored completions of a job. */
  async listed(jobId: string): Promise<string[]> {
    const page = await this.openai.chat.completions.list({ metadata: { job_id: jobId } });
    return page.data.map(({ id }) => id);
  }

  /** The phases that the ledger has of a completion. */
  phasesOf(completionId: string): LedgerEntry['phase'][] {
    const lines = this.model.ledger().filter(({ call }) => call === completionId);
    return lines.map(({ phase }) => phase);
  }
}

/** Starts an offline model before this file's tests, clears its rules after each and stops it after all. */
export function useOfflineModel(): OfflineHarness {
  const harness = new OfflineHarness();
  beforeAll(() => harness.start());
  afterEach(() => harness.model.rules());
  afterAll(async () => {
    await harness.model.stop();
    rmSync(harness.folder, { recursive: true });
  });
  return harness;
}
