/**
 * Errors a caller sees: RFC 9457 problem details.
 *
 * Domain code throws a `Problem` when a request cannot be processed as asked; anything else that is thrown is a
 * fault of ours and reaches the caller as a 500 (or 503) without its text.
 */

/** One wrong field of a request; `path` as the caller wrote it, such as `budget.maxCostUSD` or `events[3].eventId`. */
export type FieldError = { readonly path: string; readonly message: string };

export type ProblemDetails = {
  readonly status: number;
  /** Stable word for programs, snake_case; also the last part of the problem's type. */
  readonly code: string;
  /** One or two sentences for people: what is wrong and what to do. */
  readonly detail: string;
  /** Whether the same request may succeed later. Default: true for 429 and 503. */
  readonly retryable?: boolean;
  readonly errors?: readonly FieldError[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the document, such as `reasons` of a refused admission. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

export const problemContentType = 'application/problem+json';
const problemTypeBase = 'https://mothership.dev/problems/';

export class Problem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly retryable: boolean;
  readonly errors: readonly FieldError[] | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(details: ProblemDetails, options?: ErrorOptions) {
    super(`${details.code}: ${details.detail}`, options);
    this.name = 'Problem';
    this.status = details.status;
    this.code = details.code;
    this.detail = details.detail;
    this.retryable = details.retryable ?? (details.status === 429 || details.status === 503);
    this.errors = details.errors;
    this.headers = details.headers ?? {};
    this.extra = details.extra ?? {};
  }
}

/** `stale_epoch` -> `Stale epoch`: RFC 9457 wants one title per type, and a type is named by its code. */
function titleOf(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The `application/problem+json` document. `instance` is the request id, by which the log line is found. */
export function problemDocument(problem: Problem, instance: string): Record<string, unknown> {
  return {
    type: problemTypeBase + problem.code,
    title: titleOf(problem.code),
    status: problem.status,
    detail: problem.detail,
    instance,
    code: problem.code,
    retryable: problem.retryable,
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...problem.extra,
  };
}

/** 400 naming each wrong field. */
export function badRequest(errors: readonly FieldError[]): Problem {
  const paths = errors.map((error) => error.path).join(', ');
  return new Problem({
    status: 400,
    code: 'bad_request',
    detail: `The request is not valid; correct these and send it again: ${paths}.`,
    errors,
  });
}

export function unauthorized(): Problem {
  return new Problem({
    status: 401,
    code: 'unauthorized',
    detail: 'No valid API key was given. Send Authorization: Bearer msk_<keyId>_<secret>.',
    headers: { 'www-authenticate': 'Bearer' },
  });
}

export function forbidden(detail: string): Problem {
  return new Problem({ status: 403, code: 'forbidden', detail });
}

/** 404, also for another tenant's things: the answer must not tell whether they exist. `what`: `Run run-7`. */
export function notFound(what: string): Problem {
  return new Problem({ status: 404, code: 'not_found', detail: `${what} was not found.` });
}

export function conflict(code: string, detail: string, more?: Partial<ProblemDetails>): Problem {
  return new Problem({ ...more, status: 409, code, detail });
}

export function tooLarge(bytes_max: number): Problem {
  return new Problem({
    status: 413,
    code: 'too_large',
    detail: `The request body is larger than the ${bytes_max} bytes allowed here.`,
  });
}

export function membersTooLarge(errors: readonly FieldError[]): Problem {
  const members = errors.map(({ path, message }) => `${path} ${message}`).join(', ');
  return new Problem({
    status: 413,
    code: 'too_large',
    detail: `The request is too large: ${members}.`,
    errors,
  });
}

/** 422: understood, and cannot be done as asked. */
export function unprocessable(code: string, detail: string, more?: Partial<ProblemDetails>): Problem {
  return new Problem({ ...more, status: 422, code, detail });
}

/** 402: money is the reason. */
export function paymentRequired(code: string, detail: string, more?: Partial<ProblemDetails>): Problem {
  return new Problem({ ...more, status: 402, code, detail });
}

/** 429 with Retry-After, which is rounded up to whole seconds, at least 1. */
export function tooManyRequests(
  code: string,
  detail: string,
  retry_after_seconds: number,
  more?: Partial<ProblemDetails>,
): Problem {
  const seconds = Math.max(1, Math.ceil(retry_after_seconds));
  return new Problem({
    ...more,
    status: 429,
    code,
    detail,
    headers: { ...more?.headers, 'retry-after': String(seconds) },
  });
}

/** 503: the store cannot be reached, so nothing is granted (R3). */
export function storeUnavailable(cause?: unknown): Problem {
  return new Problem(
    {
      status: 503,
      code: 'store_unavailable',
      detail:
        'The store cannot be reached right now; nothing was granted. Send the same request again later.',
      headers: { 'retry-after': '5' },
    },
    { cause },
  );
}

/** 500 without any word about the cause, which stays in the log. */
export function internalError(cause?: unknown): Problem {
  return new Problem(
    {
      status: 500,
      code: 'internal',
      detail: 'Something failed on our side. Quote the instance when you report it.',
    },
    { cause },
  );
}
