// What the answers of another server mean for a replication.

import type { RemoteAnswer } from "../../remote/s3-client.ts";
import { elementText } from "../../remote/s3-client.ts";
import { DestinationAwayError, ReplicationRefusedError, type FailureReason } from "./failure.ts";

/** Throws DestinationAwayError, ReplicationRefusedError; `denied`: the reason of a plain refusal. */
export function checkAnswer(answer: RemoteAnswer, denied: FailureReason): RemoteAnswer {
  const { status, body } = answer;
  // A completion that lasts long begins with 200, and may end with an error.
  const isLateError = /^\s*(?:<\?xml[^>]*\?>\s*)?<Error[\s>]/.test(body);
  if (status >= 200 && status < 300 && !isLateError) return answer;
  if (isAway(answer) || (isLateError && isPassing(body))) {
    throw new DestinationAwayError(`the destination answered ${describe(answer)}`);
  }
  throw new ReplicationRefusedError(reasonOf(answer, denied), describe(answer));
}

function isPassing(body: string): boolean {
  return /^(?:InternalError|SlowDown|ServiceUnavailable)$/.test(elementText(body, "Code") ?? "");
}

function reasonOf({ status, body }: RemoteAnswer, denied: FailureReason): FailureReason {
  const message = elementText(body, "Message") ?? "";
  switch (elementText(body, "Code")) {
    case "NoSuchBucket":
      return "DstBucketNotFound";
    case "NoSuchKey":
    case "NoSuchVersion":
      return "DstObjectHardDeleted";
    case "InvalidRequest":
    case "InvalidBucketState":
      if (/versioning/i.test(message)) return "DstBucketUnversioned";
      return /lock/i.test(message) ? "DstBucketObjectLockConfigMissing" : "DstRefused";
    default:
      return status === 403 || status === 401 ? denied : "DstRefused";
  }
}

/** Code and status; messages may repeat what was sent. */
function describe({ status, body }: RemoteAnswer): string {
  const code = elementText(body, "Code") ?? "";
  return /^[\w.-]{1,64}$/.test(code) ? `${status} ${code}` : String(status);
}

/**
 * Whether it helps to ask again later. 501 is no such answer: what a server does not implement now it will
 * not implement in a minute either.
 */
export function isAway({ status }: RemoteAnswer): boolean {
  return status === 429 || (status >= 500 && status !== 501);
}

/** The ETag of an answer, without quotes. */
export function etagOf(answer: RemoteAnswer): string | undefined {
  const etag = answer.headers["etag"] ?? elementText(answer.body, "ETag");
  return etag?.replaceAll('"', "");
}
