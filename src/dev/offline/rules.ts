import type { Route, Rule, RuleAction } from './protocol';

/** What a rule can look at in a request. */
export interface RuleSubject {
  route: Route;
  job_id: string | null;
  /** The text of all messages. */
  text: string;
}

/** The rules in force, with how often each was met and used. */
export class RuleBook {
  private entries: { rule: Rule; seen: number; used: number }[] = [];

  /** Puts these rules in place of all earlier ones; counts begin anew. */
  replace(rules: Rule[]): void {
    this.entries = rules.map((rule) => ({ rule, seen: 0, used: 0 }));
  }

  /** The action of the first rule that takes this request, which counts as a use of it. */
  take(subject: RuleSubject): RuleAction | undefined {
    let taken: RuleAction | undefined;
    for (const entry of this.entries) {
      if (!matches(entry.rule, subject)) continue;
      // Counted even where an earlier rule acts, so that `nth` means the nth request whatever else is set.
      entry.seen += 1;
      if (taken !== undefined || !isDue(entry)) continue;
      entry.used += 1;
      taken = entry.rule.do;
    }
    return taken;
  }
}

/**
 * Checks that a body of `POST /__control` is a list of rules.
 *
 * @throws Error with one sentence saying what is wrong; a misspelt rule that silently did nothing would make a
 * test pass for the wrong reason.
 */
export function parseRules(body: unknown): Rule[] {
  if (!Array.isArray(body)) throw new Error('The body must be a list of rules.');
  for (const [index, rule] of body.entries()) {
    if (!isObject(rule) || !isObject(rule.do)) throw new Error(`Rule ${index + 1} has no "do".`);
    refuseUnknown(rule, RULE_KEYS, `Rule ${index + 1}`);
    refuseUnknown(rule.do, ACTION_KEYS, `"do" of rule ${index + 1}`);
    if (rule.match === undefined) continue;
    if (!isObject(rule.match)) throw new Error(`"match" of rule ${index + 1} is not an object.`);
    refuseUnknown(rule.match, MATCH_KEYS, `"match" of rule ${index + 1}`);
  }
  return body as Rule[];
}

const RULE_KEYS = ['match', 'times', 'do'];
const MATCH_KEYS = ['route', 'job_id', 'contains', 'nth'];
const ACTION_KEYS = [
  ...['status', 'body', 'headers', 'delay_ms', 'hold', 'hang', 'bill', 'reset', 'truncate', 'content'],
  ...['finish_reason', 'refusal', 'usage', 'list_after_ms', 'redirect', 'not_json', 'fail'],
];

function matches({ match = {} }: Rule, subject: RuleSubject): boolean {
  if ((match.route ?? 'create') !== subject.route) return false;
  if (match.job_id !== undefined && match.job_id !== subject.job_id) return false;
  return match.contains === undefined || subject.text.includes(match.contains);
}

function isDue({ rule, seen, used }: { rule: Rule; seen: number; used: number }): boolean {
  if (rule.match?.nth !== undefined && rule.match.nth !== seen) return false;
  return rule.times === undefined || used < rule.times;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function refuseUnknown(value: Record<string, unknown>, known: string[], where: string): void {
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`${where} has an unknown field ${JSON.stringify(unknown)}.`);
}
