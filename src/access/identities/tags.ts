// Tags of users, roles, policies and devices: limits, and how a change merges with what is there.

import { IdentityError } from "./identity-error.ts";
import type { Tag } from "./identity-records.ts";
import { checkLength } from "./identity-names.ts";

const maximumTags = 50;
/** "Tag keys and values: letters, numbers, spaces and the characters _ . : / = + - @". */
const tagPattern = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Throws IdentityError InvalidInput, LimitExceeded, ValidationError. */
export function checkTags(tags: readonly Tag[]): readonly Tag[] {
  if (tags.length > maximumTags) throw tooManyTags();
  const seen = new Set<string>();
  for (const [key, value] of tags) {
    checkLength(key, "tags.member.key", 1, 128);
    checkLength(value, "tags.member.value", 0, 256);
    for (const [text, member] of [
      [key, "key"],
      [value, "value"],
    ] as const) {
      if (tagPattern.test(text)) continue;
      throw new IdentityError(
        "ValidationError",
        `1 validation error detected: Value '${text}' at 'tags.member.${member}' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+`,
      );
    }
    if (key.toLowerCase().startsWith("aws:")) {
      throw new IdentityError(
        "InvalidInput",
        "System tag keys cannot be added, edited or deleted by the user: keys may not begin with aws:",
      );
    }
    if (seen.has(key.toLowerCase())) {
      throw new IdentityError(
        "InvalidInput",
        "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
      );
    }
    seen.add(key.toLowerCase());
  }
  return tags;
}

/** Tags with the given ones added or replaced, whatever the case of their keys. */
export function addTags(tags: readonly Tag[], added: readonly Tag[]): readonly Tag[] {
  const replaced = new Set(checkTags(added).map(([key]) => key.toLowerCase()));
  const merged = [...tags.filter(([key]) => !replaced.has(key.toLowerCase())), ...added];
  if (merged.length > maximumTags) throw tooManyTags();
  return merged;
}

export function removeTags(tags: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  const removed = new Set(keys.map((key) => key.toLowerCase()));
  return tags.filter(([key]) => !removed.has(key.toLowerCase()));
}

function tooManyTags(): IdentityError {
  return new IdentityError("LimitExceeded", "The number of tags has reached the maximum limit.");
}
