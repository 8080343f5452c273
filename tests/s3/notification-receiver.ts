// A receiver of notifications inside the test: keeps what it was sent, and answers as it is told.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface ReceivedRequest {
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface EventRecord {
  readonly eventVersion: string;
  readonly eventName: string;
  readonly eventTime: string;
  readonly awsRegion: string;
  readonly userIdentity: { readonly principalId: string };
  readonly requestParameters: { readonly sourceIPAddress: string };
  readonly responseElements: Readonly<Record<string, string>>;
  readonly s3: {
    readonly configurationId: string;
    readonly bucket: {
      readonly name: string;
      readonly arn: string;
      readonly ownerIdentity: { readonly principalId: string };
    };
    readonly object: {
      readonly key: string;
      readonly size?: number;
      readonly eTag?: string;
      readonly versionId?: string;
      readonly sequencer?: string;
    };
  };
}

export class NotificationReceiver implements AsyncDisposable {
  readonly requests: ReceivedRequest[] = [];
  /** Of a request; default: 200 without a body. */
  answer: (request: ReceivedRequest) => { status: number; body?: string } = () => ({ status: 200 });
  readonly #server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = [];
    incoming.on("data", (part: Buffer) => parts.push(part));
    incoming.on("end", () => {
      const request = {
        headers: incoming.headers,
        body: Buffer.concat(parts).toString("utf8"),
      };
      const { status, body = "" } = this.answer(request);
      if (status < 300) this.requests.push(request);
      outgoing.writeHead(status).end(body);
    });
  });

  async start(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, "127.0.0.1", resolve);
    });
    return this;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo; // it listens on a port
    return `http://127.0.0.1:${port}`;
  }

  /** What was received, as soon as there is so much. */
  async waitFor(count: number): Promise<readonly ReceivedRequest[]> {
    const ends = Date.now() + 15_000;
    while (this.requests.length < count) {
      if (Date.now() > ends) {
        throw new Error(`${this.requests.length} of ${count} notifications came in time`);
      }
      await pause(10);
    }
    return this.requests;
  }

  /** Events in S3's envelope, without messages of test. */
  records(): readonly EventRecord[] {
    return this.requests.flatMap(({ body }) => {
      const { Records = [] } = JSON.parse(body) as { readonly Records?: readonly EventRecord[] };
      return Records;
    });
  }

  async waitForRecords(count: number): Promise<readonly EventRecord[]> {
    const ends = Date.now() + 15_000;
    while (this.records().length < count) {
      if (Date.now() > ends) {
        throw new Error(`${this.records().length} of ${count} events came in time`);
      }
      await pause(10);
    }
    return this.records();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }
}
