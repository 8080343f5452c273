// Who may not list a bucket is not told which of its keys are missing (GetObject, "Permissions").

import { S3Error, type ErrorCode } from "../model/errors.ts";
import type { Exchange } from "./exchange.ts";

const absences: ReadonlySet<ErrorCode> = new Set(["NoSuchKey", "NoSuchVersion"]);

/** What is to be answered for an error. */
export async function hideAbsence({ access, address }: Exchange, error: unknown): Promise<unknown> {
  if (access === undefined || address?.bucket === undefined) return error;
  if (!(error instanceof S3Error) || !absences.has(error.code)) return error;
  try {
    if (await access.mayList(address.bucket)) return error;
    return new S3Error("AccessDenied", { cause: error });
  } catch (failure) {
    // The bucket went meanwhile, or the store does not answer: that is then what is wrong.
    return failure;
  }
}
