// What becomes of the record of an answered request: it is counted, and a line of the server's log or
// of the audit log.

import type { RequestTrace } from "../telemetry/tracing.ts";
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
  { meters, isTraced }: { readonly meters: ServerMeters | undefined; readonly isTraced: boolean },
): ((record: RequestRecord) => void) | undefined {
  const { logsRequests } = log;
  if (audit === undefined && meters === undefined && !logsRequests && !isTraced) return undefined;
  return (record) => {
    if (meters !== undefined) {
      meters.requests.count(record);
      meters.buckets?.count(record);
    }
    if (record.trace !== undefined) endTrace(record.trace, record);
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
    ...(record.trace === undefined ? {} : { traceId: record.trace.traceId }),
  });
}

/** In the words of OpenTelemetry's semantic conventions for HTTP and S3, as far as they go. */
function endTrace(trace: RequestTrace, record: RequestRecord): void {
  const { service, operation = "unknown", status, errorCode, sendFailure } = record;
  const isOurs = status >= 500 ? (errorCode ?? `HTTP ${status}`) : undefined;
  trace.end({
    name: operation.includes(":") ? operation : `${service}:${operation}`,
    failure: sendFailure ?? isOurs,
    attributes: {
      "http.request.method": record.method,
      "http.response.status_code": status,
      "http.request.body.size": record.receivedBodyBytes,
      "http.response.body.size": record.bodyBytes,
      "client.address": record.remoteAddress,
      "user_agent.original": record.userAgent,
      "error.type": errorCode,
      "aws.request_id": record.requestId,
      "aws.s3.bucket": record.bucket,
      "aws.s3.key": record.key,
    },
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
    did: record.did,
    status: record.status,
    errorCode: record.errorCode,
    bytesSent: record.bodyBytes,
    startedMilliseconds: record.startedMilliseconds,
    durationMilliseconds: record.endedMilliseconds - record.startedMilliseconds,
  });
}
