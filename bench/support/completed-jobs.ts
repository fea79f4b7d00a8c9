import type PgBoss from 'pg-boss';

/** How often the table is looked at while anybody waits. */
const LOOK_EVERY_MS = 20;

interface Waiter {
  done(text: string): void;
  failed(error: unknown): void;
}

/** Waits for pg-boss's jobs: one query for all who wait, as often as they would each want it. */
export class CompletedJobs {
  private readonly waiting = new Map<string, Waiter>();
  private readonly timer: NodeJS.Timeout;
  private isLooking = false;

  constructor(private readonly boss: PgBoss) {
    this.timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
  }

  /** Resolves with the text of the job's answer; rejects where the table can't be looked at. */
  wait(id: string): Promise<string> {
    return new Promise((done, failed) => this.waiting.set(id, { done, failed }));
  }

  /** The text of a job that completed, or null. */
  async read(id: string): Promise<string | null> {
    return (await this.find([id]))[0]?.text ?? null;
  }

  close(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    if (this.isLooking || this.waiting.size === 0) return;
    this.isLooking = true;
    try {
      for (const { id, text } of await this.find([...this.waiting.keys()])) {
        this.waiting.get(id)?.done(text);
        this.waiting.delete(id);
      }
    } catch (error) {
      for (const { failed } of this.waiting.values()) failed(error);
      this.waiting.clear();
    } finally {
      this.isLooking = false;
    }
  }

  private async find(ids: string[]): Promise<{ id: string; text: string }[]> {
    const query =
      "SELECT id, output->>'text' AS text FROM pgboss.job WHERE id = ANY($1) AND state = 'completed'";
    const { rows } = await this.boss.getDb().executeSql(query, [ids]);
    return rows;
  }
}
