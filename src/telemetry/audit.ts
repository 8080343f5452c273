// The audit log: one JSON line for each request, with who asked, what was decided and which statement
// decided. Never a secret: no query, no header beside the agent, no body.

import type { LogDestination } from "./log.ts";

/** What the audit log wants to know of a request that has been answered. */
export interface AuditedRequest {
  readonly requestId: string;
  readonly method: string;
  /** `s3`, or another service that answers on the same endpoint. */
  readonly service: string;
  readonly operation: string | undefined;
  readonly bucket: string | undefined;
  readonly key: string | undefined;
  readonly versionId: string | undefined;
  readonly remoteAddress: string;
  readonly userAgent: string | undefined;
  readonly principal:
    | {
        readonly kind: string;
        readonly arn: string;
        readonly accountId: string;
        readonly accessKeyId: string;
      }
    | undefined;
  /** What was decided last: of a refused request the denial. */
  readonly decision: AuditedDecision | undefined;
  /** How much was removed, or put back, by calls of administration that do so. */
  readonly did: Readonly<Record<string, number>> | undefined;
  readonly status: number;
  readonly errorCode: string | undefined;
  readonly bytesSent: number;
  readonly startedMilliseconds: number;
  readonly durationMilliseconds: number;
}

export interface AuditedDecision {
  readonly isAllowed: boolean;
  readonly action: string;
  readonly resource: string;
  readonly reason: string;
  readonly statement?:
    | {
        readonly source: { readonly kind: string; readonly name: string };
        readonly sid?: string;
        readonly index: number;
      }
    | undefined;
}

/** Lines waiting for the end of the turn, or this many characters, are written at once. */
const flushCharacters = 64 * 1024;

export class AuditLog implements Disposable {
  readonly #destination: LogDestination;
  #lines: string[] = [];
  #characters = 0;
  #scheduled: NodeJS.Immediate | undefined;

  constructor(destination: LogDestination) {
    this.#destination = destination;
  }

  requestAnswered(request: AuditedRequest): void {
    const line = formatAuditLine(request);
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters > flushCharacters) this.flush();
    else this.#scheduled ??= setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#scheduled !== undefined) clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    if (this.#lines.length === 0) return;
    const text = this.#lines.join("");
    this.#lines = [];
    this.#characters = 0;
    this.#destination.write(text);
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}

function formatAuditLine(request: AuditedRequest): string {
  const { startedMilliseconds, decision, principal, ...rest } = request;
  const line = {
    time: new Date(startedMilliseconds).toISOString(),
    ...rest,
    principal: principal ?? { kind: "anonymous" },
    decision: decision && describeDecision(decision),
  };
  return `${JSON.stringify(line)}\n`;
}

function describeDecision({ isAllowed, action, resource, reason, statement }: AuditedDecision) {
  return {
    effect: isAllowed ? "allow" : "deny",
    action,
    resource,
    reason,
    ...(statement === undefined
      ? {}
      : {
          policy: statement.source.name,
          policyKind: statement.source.kind,
          statement: statement.sid ?? statement.index,
        }),
  };
}
