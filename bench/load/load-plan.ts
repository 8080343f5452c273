// What one run of the load generator is asked to do and what it answers: plain JSON, because the
// generator runs as a process of its own, so that its CPU time never counts as the server's.

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

export interface LoadPlan {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  readonly method: "GET" | "HEAD" | "PUT" | "DELETE" | "POST";
  /**
   * Templates, already percent-encoded. `{index}` is the number of the request, `{number}` the same
   * from 1 without leading zeros, `{group}` is `index % groups` and `{member}` is
   * `floor(index / groups)`. All but `{number}` have six digits, so that keys have one length.
   */
  readonly path: string;
  readonly query?: string;
  readonly groups?: number;
  /** Distinct requests signed before the run; the run walks through them again and again. */
  readonly distinctRequests: number;
  readonly firstIndex?: number;
  readonly bodyBytes?: number;
  /** `signed` carries the SHA-256 of the body in the signature. */
  readonly payload?: "unsigned" | "signed";
  readonly checksum?: "crc32";
  /** Further headers, signed when their name begins with `x-amz-`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly connections: number;
  /** The run ends with whichever bound is reached first; at least one must be given. */
  readonly milliseconds?: number;
  readonly requests?: number;
  /** A run without any byte for so long is broken off. */
  readonly stallMilliseconds?: number;
}

export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
  readonly mean: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly errors: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly firstError?: string;
  /** Body bytes of answers. */
  readonly bytesReceived: number;
  /** Body bytes of answered requests. */
  readonly bytesSent: number;
  readonly latencyMilliseconds: LatencySummary;
  /** When this comes near to `seconds`, the generator was the limit and not the server. */
  readonly generatorCpuSeconds: number;
}
