// S3 Control's official client, which puts the account before the host's name: it is given one that
// every URL can have, and finds the server behind it without asking a resolver.

import { Agent } from "node:http";
import { S3Control } from "@aws-sdk/client-s3-control";

export interface ControlServer {
  readonly port: number;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The caller destroys it. */
export function newControlClient({ port, region, credentials }: ControlServer): S3Control {
  const httpAgent = new Agent({
    lookup: (_name, { all }, callback) =>
      all === true
        ? callback(null, [{ address: "127.0.0.1", family: 4 }])
        : callback(null, "127.0.0.1", 4),
  });
  return new S3Control({
    endpoint: `http://localhost:${port}`,
    region,
    credentials: { ...credentials },
    maxAttempts: 1,
    // The client destroys the agent with itself.
    requestHandler: { httpAgent },
  });
}
