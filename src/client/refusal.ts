const INVALID_ARGUMENT = 3;

/** What Temporal answered instead of doing what it was asked for. */
export interface TemporalRefusal {
  /** One sentence, with the remedy. */
  message: string;
  /** It is about this one request: others may go well. */
  isOfRequest: boolean;
}

/** Temporal answered, and said no: a namespace that is not there, a key without the right. Else null. */
export function refusalOfTemporal(error: unknown): TemporalRefusal | null {
  const { cause } = (error ?? {}) as { cause?: unknown };
  for (const fault of [error, cause] as { code?: unknown; details?: unknown }[]) {
    if (typeof fault?.code === 'number' && typeof fault.details === 'string') {
      return {
        message: `Temporal refuses (${firstLine(fault.details)}); check TEMPORAL_NAMESPACE and the rights of the key or certificate.`,
        isOfRequest: fault.code === INVALID_ARGUMENT,
      };
    }
  }
  const { name, message = '' } = (error ?? {}) as Partial<Error>;
  if (name === 'NamespaceNotFoundError' || name === 'TransportError') {
    // what follows is the worker core's own way to print a status
    const details = firstLine(message.split(': Status {')[0]);
    return { message: `Temporal refuses (${details}); check TEMPORAL_NAMESPACE.`, isOfRequest: false };
  }
  return null;
}

/** The first line of what somebody else said, for the middle of a sentence. */
export function firstLine(error: unknown): string {
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return (message.split('\n')[0] ?? '').slice(0, 300).replace(/\.$/, '');
}
