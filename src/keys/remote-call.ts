// One request to a key server: bounded in time, size and tries. Says what the server answered; what an
// answer means is the caller's business. No redirect is followed, since it would carry a secret along.

import { setTimeout as sleep } from "node:timers/promises";
import { collectBytes } from "../base/bytes.ts";
import { KmsError } from "./kms-error.ts";

export interface RemoteRequest {
  readonly url: string;
  readonly method: "GET" | "POST";
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RemoteAnswer {
  readonly status: number;
  readonly body: string;
}

export interface RemoteBounds {
  /** For one try. */
  readonly timeoutMilliseconds: number;
  readonly tries: number;
}

export const defaultRemoteBounds: RemoteBounds = { timeoutMilliseconds: 5000, tries: 3 };

const maximumAnswerBytes = 1024 * 1024;
const firstPauseMilliseconds = 50;

/**
 * Asks again when the server is not reached, or says that it cannot answer now. `request` is made anew
 * for each try, because signatures age. Throws KmsError DependencyTimeoutException, and the signal's
 * reason when that is aborted.
 */
export async function callRemote(
  request: () => RemoteRequest,
  bounds: RemoteBounds,
  signal?: AbortSignal,
): Promise<RemoteAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await tryOnce(request(), bounds.timeoutMilliseconds, signal);
    const isLast = attempt >= bounds.tries;
    if ("answer" in outcome) {
      if (isLast || !mayPass(outcome.answer.status)) return outcome.answer;
    } else if (isLast) {
      throw new KmsError("DependencyTimeoutException", "The key provider cannot be reached.", {
        cause: outcome.failure,
      });
    }
    const longest = firstPauseMilliseconds * 4 ** (attempt - 1);
    await sleep(
      longest * (0.5 + Math.random() / 2),
      undefined,
      signal === undefined ? {} : { signal },
    );
  }
}

/** Whether the same request may be answered otherwise a moment later. */
function mayPass(status: number): boolean {
  return status === 429 || status >= 500;
}

async function tryOnce(
  { url, method, headers, body }: RemoteRequest,
  timeoutMilliseconds: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly answer: RemoteAnswer } | { readonly failure: unknown }> {
  const timeout = AbortSignal.timeout(timeoutMilliseconds);
  try {
    const response = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    const bytes =
      response.body === null
        ? new Uint8Array()
        : await collectBytes(response.body, maximumAnswerBytes);
    return { answer: { status: response.status, body: Buffer.from(bytes).toString("utf8") } };
  } catch (failure) {
    signal?.throwIfAborted();
    return { failure };
  }
}

/** The fields of a JSON object; none for whatever else the text is. */
export function parseFields(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
