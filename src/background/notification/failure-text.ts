// What is told of a failed delivery: one line without secrets, which client libraries may repeat.

import type { DestinationSettings } from "../../model/notification-destinations.ts";

const longestText = 500;
const shortestSecret = 4;
const secretNames =
  /^(?:secret|secretAccessKey|sessionToken|bearerToken|password|token|credentials|key|ca|certificate)$/;
const hidden = "***";

export function failureText(error: unknown, settings: DestinationSettings | undefined): string {
  const text = describe(error);
  let shown = text;
  for (const secret of settings === undefined ? [] : secretsOf(settings)) {
    shown = shown.replaceAll(secret, hidden);
  }
  return shown.replaceAll(/\s+/g, " ").slice(0, longestText);
}

/** `AggregateError` of a connection to several addresses says nothing itself. */
function describe(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describe(error.errors[0]);
  if (!(error instanceof Error)) return "unknown failure";
  return error.message === "" ? error.name : error.message;
}

function secretsOf(settings: DestinationSettings): readonly string[] {
  const secrets: string[] = [];
  const visit = (value: unknown, name: string): void => {
    if (typeof value === "string") {
      if (secretNames.test(name)) secrets.push(value);
      secrets.push(...passwordsIn(value));
    } else if (typeof value === "object" && value !== null) {
      // Whatever a header says may be a secret.
      for (const [each, inner] of Object.entries(value)) {
        visit(inner, name === "headers" ? "secret" : each);
      }
    }
  };
  visit(settings, "");
  // Of a Redis stream `key` is no secret, and hiding it does no harm.
  return secrets.filter((secret) => secret.length >= shortestSecret);
}

function passwordsIn(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const { password } = new URL(text);
  return password === "" ? [] : [password, decodeURIComponent(password)];
}
