import { type JsonLines, openJsonLines, readJsonLines } from './jsonl';
import type { Completion } from './protocol';

/** Which stored completions to list; the official package's own names. */
export interface ListQuery {
  metadata: Record<string, string>;
  model?: string;
  /** The id after which the page begins. */
  after?: string;
  limit: number;
  order: 'asc' | 'desc';
}

/** A page of stored completions in the provider's shape. */
export interface CompletionPage {
  object: 'list';
  data: Completion[];
  first_id: string | null;
  last_id: string | null;
  has_more: boolean;
}

type Line = { put: Completion; visible_at: number } | { delete: string };

/** Completions made with `store: true`, kept in a file so that a restart keeps them. */
export class StoredCompletions {
  private readonly kept = new Map<string, { completion: Completion; visibleAt: number }>();

  private constructor(private readonly file: JsonLines) {}

  /** Opens the file and reads what an earlier process stored. */
  static async open(path: string): Promise<StoredCompletions> {
    const lines = readJsonLines<Line>(path);
    const stored = new StoredCompletions(await openJsonLines(path));
    for (const line of lines) stored.apply(line);
    return stored;
  }

  /** How many there are. */
  get size(): number {
    return this.kept.size;
  }

  /** Stores a completion durably; lists show it from `visibleAt` (milliseconds since 1970) on. */
  async put(completion: Completion, visibleAt: number): Promise<void> {
    await this.write({ put: completion, visible_at: visibleAt });
  }

  /** The completion of this id, also where lists don't show it yet. */
  get(id: string): Completion | undefined {
    return this.kept.get(id)?.completion;
  }

  /** Erases one; false where there is none. */
  async delete(id: string): Promise<boolean> {
    if (!this.kept.has(id)) return false;
    await this.write({ delete: id });
    return true;
  }

  /** One page, in the order in which the completions were stored. */
  list(query: ListQuery, now = Date.now()): CompletionPage {
    const wanted = Object.entries(query.metadata);
    const found = [...this.kept.values()]
      .filter(({ visibleAt }) => visibleAt <= now)
      .map(({ completion }) => completion)
      .filter(({ metadata }) => wanted.every(([key, value]) => metadata?.[key] === value))
      .filter(({ model }) => query.model === undefined || query.model === model);
    if (query.order === 'desc') found.reverse();
    const start = query.after ? found.findIndex(({ id }) => id === query.after) + 1 : 0;
    const data = found.slice(start, start + query.limit);
    return {
      object: 'list',
      data,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
      has_more: start + data.length < found.length,
    };
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
    else this.kept.set(line.put.id, { completion: line.put, visibleAt: line.visible_at });
  }
}
