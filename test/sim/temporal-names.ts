/**
 * The names of Temporal's packages that the production code imports, as far as it uses them. They behave
 * as the real ones do; where they live, when they act and what they lose is the simulator's.
 */
export class ApplicationFailure extends Error {
  type?: string | null;
  nonRetryable = false;
  details?: unknown[];
  nextRetryDelay?: number | string;

  static create(options: Partial<ApplicationFailure> & { message?: string }): ApplicationFailure {
    return Object.assign(new ApplicationFailure(options.message), options);
  }

  static nonRetryable(message: string, type?: string | null, ...details: unknown[]): ApplicationFailure {
    return ApplicationFailure.create({ message, type, nonRetryable: true, details });
  }
}

export class CancelledFailure extends Error {
  constructor(
    message: string,
    readonly details: unknown[] = [],
  ) {
    super(message);
  }
}

export class TimeoutFailure extends Error {}

/** An activity that did not end well, as its workflow sees it. */
export class ActivityFailure extends Error {
  constructor(override readonly cause: Error) {
    super(`activity failed: ${cause.message}`);
  }
}

export class ContinueAsNew extends Error {
  constructor(readonly arg: unknown) {
    super('continues as new');
  }
}

export const isCancellation = (error: unknown): boolean =>
  error instanceof CancelledFailure ||
  (error instanceof ActivityFailure && error.cause instanceof CancelledFailure);

export class WorkflowExecutionAlreadyStartedError extends Error {}
export class WorkflowNotFoundError extends Error {}

export class WorkflowFailedError extends Error {
  constructor(override readonly cause: Error | undefined) {
    super('the workflow failed');
  }
}

export class WorkflowUpdateFailedError extends Error {
  constructor(override readonly cause: Error) {
    super('the update failed');
  }
}

/** "Temporal is away", as gRPC says it. */
export class ServiceError extends Error {
  override readonly cause = { code: 14 };
}

export class WithStartWorkflowOperation {
  constructor(
    readonly type: string,
    readonly options: StartOptions,
  ) {}
}

/** The start options that the simulated server minds. */
export interface StartOptions {
  workflowId: string;
  args: [unknown];
  workflowIdReusePolicy?: string;
  memo?: Record<string, unknown>;
}

const keep = (name: string) => ({ name });

/** `@temporalio/common`. */
export const common = {
  ApplicationFailure,
  CancelledFailure,
  ActivityFailure,
  TypedSearchAttributes: class {},
  SearchAttributeType: { KEYWORD: 'KEYWORD', INT: 'INT', DOUBLE: 'DOUBLE' },
  defineSearchAttributeKey: keep,
  defaultPayloadConverter: { fromPayload: (payload: { value: unknown }) => payload.value },
};

/** `@temporalio/client`. */
export const client = {
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowFailedError,
  WorkflowUpdateFailedError,
  ServiceError,
  WithStartWorkflowOperation,
  isGrpcServiceError: (error: unknown) => typeof (error as { code?: unknown } | null)?.code === 'number',
  WorkflowIdConflictPolicy: { FAIL: 'FAIL', USE_EXISTING: 'USE_EXISTING' },
  WorkflowIdReusePolicy: {
    REJECT_DUPLICATE: 'REJECT_DUPLICATE',
    ALLOW_DUPLICATE_FAILED_ONLY: 'ALLOW_DUPLICATE_FAILED_ONLY',
  },
};
