// Whether a destination is there and takes messages: asked when a bucket's configuration names it.

import type { DestinationPool } from "./destination-pool.ts";
import { failureText } from "./failure-text.ts";

/** What S3 tells a new destination of itself: "Amazon S3 test message" (Event message structure). */
export interface TestEvent {
  readonly bucketName: string;
  readonly requestId: string;
  readonly hostId: string;
  readonly timeMilliseconds: number;
}

export interface DestinationCheckOptions {
  readonly pool: DestinationPool;
  /** Hears why a destination failed: whoever asks is told no more than S3 tells. */
  readonly onFailure: (arn: string, error: string) => void;
}

const timeoutMilliseconds = 10_000;

export async function checkDestination(
  arn: string,
  test: TestEvent | undefined,
  { pool, onFailure }: DestinationCheckOptions,
): Promise<"ready" | "missing" | "failing"> {
  const opened = await pool.find(arn);
  if (opened === undefined) return "missing";
  if (test === undefined) return "ready";
  const { bucketName, requestId, timeMilliseconds } = test;
  const message = {
    id: requestId,
    body: testMessage(test),
    event: "s3:TestEvent",
    bucketName,
    key: "",
    timeMilliseconds,
    isRemoval: false,
  };
  try {
    const signal = AbortSignal.timeout(timeoutMilliseconds);
    const [failure] = await opened.destination.send([message], signal);
    if (failure === undefined) return "ready";
    throw failure;
  } catch (error) {
    onFailure(arn, failureText(error, opened.settings));
    return "failing";
  }
}

function testMessage({ bucketName, requestId, hostId, timeMilliseconds }: TestEvent): string {
  return JSON.stringify({
    Service: "Amazon S3",
    Event: "s3:TestEvent",
    Time: new Date(timeMilliseconds).toISOString(),
    Bucket: bucketName,
    RequestId: requestId,
    HostId: hostId,
  });
}
