// The storage classes that an object of a general purpose bucket can have.

/**
 * Those that a client may name. Others of the model belong to other kinds of buckets (PutObject,
 * "x-amz-storage-class"): S3 refuses them with InvalidStorageClass.
 */
export const storageClasses = [
  "STANDARD",
  "REDUCED_REDUNDANCY",
  "STANDARD_IA",
  "ONEZONE_IA",
  "INTELLIGENT_TIERING",
  "GLACIER",
  "DEEP_ARCHIVE",
  "GLACIER_IR",
] as const;

export type StorageClassName = (typeof storageClasses)[number];

const names: ReadonlySet<string> = new Set(storageClasses);

export function isStorageClass(text: string): text is StorageClassName {
  return names.has(text);
}
