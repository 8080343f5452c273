// What an answer in the query protocol says when something is wrong.

export interface QueryErrorOptions {
  /** Default 400. */
  readonly status?: number;
  readonly cause?: unknown;
}

/** Its message is AWS's text. Everything else that is thrown becomes InternalFailure. */
export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, { status = 400, cause }: QueryErrorOptions = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.status = status;
  }
}

export function validationError(message: string): QueryError {
  return new QueryError("ValidationError", message);
}
