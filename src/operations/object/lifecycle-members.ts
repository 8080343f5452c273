// What answers announce of a bucket's lifecycle: when an object expires, when an upload is aborted.

import type { Due } from "../../objects/lifecycle-rules.ts";

/**
 * `expiry-date="Fri, 21 Dec 2012 00:00:00 GMT", rule-id="Rule for testfile.txt"` (HeadObject). The
 * reference calls the id URL-encoded; the service sends blanks as they are.
 */
export function showExpiration(due: Due | undefined): string | undefined {
  if (due === undefined) return undefined;
  const date = new Date(due.atMilliseconds).toUTCString();
  return `expiry-date="${date}", rule-id="${due.ruleId.replaceAll('"', "%22")}"`;
}

export interface AbortMembers {
  readonly AbortDate?: Date;
  readonly AbortRuleId?: string;
}

export function showAbortion(due: Due | undefined): AbortMembers {
  if (due === undefined) return {};
  return { AbortDate: new Date(due.atMilliseconds), AbortRuleId: due.ruleId };
}
