// Turns what the operating system says went wrong into the errors that storage promises.

import { StorageFullError, StorageUnavailableError } from "../storage-errors.ts";
import { errorCode } from "./file-system.ts";

/** Awaits a file-system call whose every failure means that the store cannot do its work. */
export async function storing<Value>(call: Promise<Value>): Promise<Value> {
  try {
    return await call;
  } catch (error) {
    throw toStorageError(error);
  }
}

export function toStorageError(error: unknown): Error {
  switch (errorCode(error)) {
    case "ENOSPC":
    case "EDQUOT":
      return new StorageFullError("no space left for blobs", { cause: error });
    default:
      return new StorageUnavailableError("the blob directory failed", { cause: error });
  }
}
