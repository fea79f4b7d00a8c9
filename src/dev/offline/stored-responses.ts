import { type JsonLines, openJsonLines, readJsonLines } from './jsonl';
import type { RuleAction, StoredResponse } from './protocol';

/** How a background response is to be executed; kept with it, so that a restart goes on. */
export interface ResponsePlan {
  action: RuleAction;
  idempotencyKey: string | null;
  /** The request's body. */
  body: unknown;
}

type Line = { put: StoredResponse; plan?: ResponsePlan } | { delete: string };

/** Responses made with `store: true`, kept in a file so that a restart keeps them. */
export class StoredResponses {
  private readonly kept = new Map<string, { response: StoredResponse; plan?: ResponsePlan }>();

  private constructor(private readonly file: JsonLines) {}

  /** Opens the file and reads what an earlier process stored. */
  static async open(path: string): Promise<StoredResponses> {
    const lines = readJsonLines<Line>(path);
    const stored = new StoredResponses(await openJsonLines(path));
    for (const line of lines) stored.apply(line);
    return stored;
  }

  /** How many there are. */
  get size(): number {
    return this.kept.size;
  }

  /** Stores a response durably, in place of what was stored under its id. `plan` = it is still to be executed. */
  async put(response: StoredResponse, plan?: ResponsePlan): Promise<void> {
    await this.write({ put: response, plan });
  }

  get(id: string): StoredResponse | undefined {
    return this.kept.get(id)?.response;
  }

  /** What an earlier process had not finished. */
  unfinished(): { response: StoredResponse; plan: ResponsePlan }[] {
    return [...this.kept.values()].flatMap(({ response, plan }) => (plan ? [{ response, plan }] : []));
  }

  /** Erases one; false where there is none. */
  async delete(id: string): Promise<boolean> {
    if (!this.kept.has(id)) return false;
    await this.write({ delete: id });
    return true;
  }

  /** Waits for the last write, then closes the file. */
  close(): Promise<void> {
    return this.file.close();
  }

  private async write(line: Line): Promise<void> {
    await this.file.append(line);
    this.apply(line);
  }

  private apply(line: Line): void {
    if ('delete' in line) this.kept.delete(line.delete);
    else this.kept.set(line.put.id, { response: line.put, plan: line.plan });
  }
}
