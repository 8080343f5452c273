// Which annotations of a version a replication is about: all of a version that is new, and of a version that
// was there those that were changed. What else a replica has was not the source's, and stays.

import type { NamedAnnotation } from "./annotations.ts";
import type { ChangeRecord } from "./records/change-record.ts";

export interface ChangedAnnotations {
  /** All that there are, beside those that were changed. */
  readonly isWhole: boolean;
  /** Names of those that were written or removed. */
  readonly names: ReadonlySet<string>;
}

/** Of changes of one version. */
export function changedAnnotations(
  changes: readonly Pick<ChangeRecord, "event" | "annotation">[],
): ChangedAnnotations {
  const names = new Set<string>();
  let isWhole = false;
  for (const { event, annotation } of changes) {
    if (annotation !== undefined) names.add(annotation);
    else if (!/^Object(?:Annotation|Tagging|Lock|Acl):/.test(event)) isWhole = true;
  }
  return { isWhole, names };
}

/** `all`: what the source has now. */
export function annotationsToBring(
  { isWhole, names }: ChangedAnnotations,
  all: readonly NamedAnnotation[],
): { readonly written: readonly NamedAnnotation[]; readonly removed: readonly string[] } {
  const present = new Set(all.map(({ name }) => name));
  return {
    written: isWhole ? all : all.filter(({ name }) => names.has(name)),
    removed: [...names].filter((name) => !present.has(name)),
  };
}
