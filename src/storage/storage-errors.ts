// What storage can say went wrong. The protocol layer turns these into S3 answers in one place.

/** No space (or quota) left on the device. Nothing was written; reads go on working. */
export class StorageFullError extends Error {
  override readonly name = "StorageFullError";
}

/** The store cannot answer now (closed, locked for too long, I/O error). The outcome is unknown. */
export class StorageUnavailableError extends Error {
  override readonly name = "StorageUnavailableError";
}

/** The blob does not exist (any more). */
export class BlobMissingError extends Error {
  override readonly name = "BlobMissingError";
}

/** Stored bytes do not match their checksum. The bytes were not handed out. */
export class BlobCorruptError extends Error {
  override readonly name = "BlobCorruptError";
}
