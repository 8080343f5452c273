// A plain signed client for what surrounds a measurement: making buckets, starting uploads, asking for
// tokens. Its own cost is part of a time measured through it (well under a millisecond).

import { createHash } from "node:crypto";
import { Agent, request as sendRequest } from "node:http";
import type { Credentials } from "../load/load-plan.ts";
import { RequestSigner } from "../load/signed-requests.ts";

export interface ControlRequest {
  readonly method: string;
  /** Percent-encoded. */
  readonly path: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Statuses of 300 and more throw unless this is set. */
  readonly acceptErrors?: boolean;
}

export interface ControlAnswer {
  readonly status: number;
  /** Name, value, name, value …, as received. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly milliseconds: number;
}

export class ControlClient implements Disposable {
  readonly #port: number;
  readonly #signer: RequestSigner;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(port: number, credentials: Credentials) {
    this.#port = port;
    this.#signer = new RequestSigner(credentials);
  }

  async send(request: ControlRequest): Promise<ControlAnswer> {
    const body = Buffer.from(request.body ?? "");
    const query = request.query ?? "";
    const headers = this.#signer.sign({
      method: request.method,
      path: request.path,
      query,
      headers: {
        host: `127.0.0.1:${this.#port}`,
        "content-length": String(body.length),
        ...request.headers,
      },
      payloadHash: createHash("sha256").update(body).digest("hex"),
      date: new Date(),
    });
    const startedAt = performance.now();
    const answer = await this.#exchange(request.method, `${request.path}?${query}`, headers, body);
    const milliseconds = performance.now() - startedAt;
    // CompleteMultipartUpload and CopyObject may put an error into a 200.
    const isError = answer.status >= 300 || answer.body.includes("<Error>");
    if (isError && request.acceptErrors !== true) {
      const { method, path } = request;
      throw new Error(`${method} ${path}?${query}: ${answer.status} ${answer.body.slice(0, 500)}`);
    }
    return { ...answer, milliseconds };
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  #exchange(
    method: string,
    target: string,
    headers: Record<string, string>,
    body: Buffer,
  ): Promise<Omit<ControlAnswer, "milliseconds">> {
    const { promise, resolve, reject } =
      Promise.withResolvers<Omit<ControlAnswer, "milliseconds">>();
    const path = target.endsWith("?") ? target.slice(0, -1) : target;
    const options = { host: "127.0.0.1", port: this.#port, agent: this.#agent };
    const outgoing = sendRequest({ ...options, method, path, headers }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("error", reject);
      incoming.on("end", () => {
        const text = Buffer.concat(parts).toString("utf8");
        resolve({ status: incoming.statusCode ?? 0, rawHeaders: incoming.rawHeaders, body: text });
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
    return promise;
  }
}

/** The text of the first element of that name; enough for the few answers that are looked into. */
export function findElement(xml: string, name: string): string | undefined {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
}
