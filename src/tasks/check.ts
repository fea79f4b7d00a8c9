import type { ZodType, z } from 'zod';

/**
 * Checks a value against a task's schema. Never throws: a user's schema may (a transform that throws, an
 * asynchronous refinement).
 *
 * @returns what the schema made of it, or where it does not fit; never the value
 */
export function checkSchema(schema: ZodType, value: unknown): { data: unknown } | { fault: string } {
  try {
    const checked = schema.safeParse(value);
    return checked.success ? { data: checked.data } : { fault: describeIssue(checked.error.issues[0]) };
  } catch (error) {
    return {
      fault: `its schema threw ${error instanceof Error ? error.name : 'something that is no Error'}`,
    };
  }
}

/** Path and kind of an issue; zod's own message is left out, for it may quote keys, and a custom one values. */
export function describeIssue(issue: z.core.$ZodIssue | undefined): string {
  const path = issue?.path.length ? issue.path.map(String).join('.') : 'the top level';
  const expected = issue?.code === 'invalid_type' ? `, expected ${issue.expected}` : '';
  return `at ${path} (${issue?.code ?? 'unknown'}${expected})`;
}
