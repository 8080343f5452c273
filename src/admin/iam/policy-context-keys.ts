// The condition keys and variables that a policy document looks at, in the spelling of the document.

import { parsePolicy } from "../../access/policy/policy-document.ts";

const variable = /\$\{([^}*?$][^},]*)(?:,[^}]*)?\}/g;

/** The document was checked before. */
export function contextKeysOf(document: string): readonly string[] {
  const { statements, version } = parsePolicy(document, "identity");
  const names = new Map<string, string>();
  const add = (name: string): void => {
    const lower = name.toLowerCase();
    if (!names.has(lower)) names.set(lower, name);
  };
  for (const { conditions, resources } of statements) {
    const texts = [...(resources?.patterns ?? [])];
    for (const { key, values } of conditions) {
      add(key);
      texts.push(...values);
    }
    // Only documents of the current version have variables.
    if (version !== "2012-10-17") continue;
    for (const text of texts) {
      for (const match of text.matchAll(variable)) add((match[1] as string).trim());
    }
  }
  return [...names.values()];
}
