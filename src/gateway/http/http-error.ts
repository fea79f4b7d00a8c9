/** A request that is refused before any job is looked at. */
export class HttpError extends Error {
  /**
   * @param status - the HTTP status, 400 to 599
   * @param code - a stable word for programs
   * @param title - the kind, the same for every error of this code
   * @param message - one sentence: what is wrong with this request, and the remedy
   */
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
    this.name = 'HttpError';
  }

  /** A 400. */
  static bad(code: string, message: string): HttpError {
    return new HttpError(400, code, 'The request can not be used', message);
  }
}
