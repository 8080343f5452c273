// What becomes of the record of an answered request: it is counted, and a line of the server's log or
// of the audit log.

import type { BucketMeter } from "../protocol/bucket-meter.ts";
import type { RequestRecord } from "../protocol/request-record.ts";
import type { AuditLog } from "../telemetry/audit.ts";
import type { Log } from "../telemetry/log.ts";
import type { RequestMeter } from "../telemetry/metrics-requests.ts";

interface ServerMeters {
  readonly requests: RequestMeter;
  readonly buckets: BucketMeter | undefined;
}

/** `undefined` when nobody wants records: the pipeline then makes none. */
export function createObserver(
  log: Log,
  audit: AuditLog | undefined,
  meters: ServerMeters | undefined,
): ((record: RequestRecord) => void) | undefined {
  const { logsRequests } = log;
  if (audit === undefined && meters === undefined && !logsRequests) return undefined;
  return (record) => {
    if (meters !== undefined) {
      meters.requests.count(record);
      meters.buckets?.count(record);
    }
    if (logsRequests) logRequest(log, record);
    if (audit !== undefined) auditRequest(audit, record);
  };
}

function logRequest(log: Log, record: RequestRecord): void {
  const { requestId, method, operation, bucket, key, status, errorCode, remoteAddress } = record;
  log.requestFinished({
    requestId,
    method,
    operation,
    bucket,
    key,
    status,
    errorCode,
    remoteAddress,
    bytesSent: record.bodyBytes,
    durationMilliseconds: record.endedMilliseconds - record.startedMilliseconds,
  });
}

function auditRequest(audit: AuditLog, record: RequestRecord): void {
  const { caller } = record;
  audit.requestAnswered({
    requestId: record.requestId,
    method: record.method,
    service: record.service,
    operation: record.operation,
    bucket: record.bucket,
    key: record.key,
    versionId: record.versionId,
    remoteAddress: record.remoteAddress,
    userAgent: record.userAgent,
    principal:
      caller?.kind === "identified"
        ? {
            kind: caller.principal.kind,
            arn: caller.principal.arn,
            accountId: caller.accountId,
            accessKeyId: caller.accessKeyId,
          }
        : undefined,
    decision: record.decision,
    status: record.status,
    errorCode: record.errorCode,
    bytesSent: record.bodyBytes,
    startedMilliseconds: record.startedMilliseconds,
    durationMilliseconds: record.endedMilliseconds - record.startedMilliseconds,
  });
}
