// What is told of a failed delivery: one line without secrets, which client libraries may repeat.

import {
  defaultTimeoutSeconds,
  type DestinationSettings,
} from "../../model/notification-destinations.ts";

const longestText = 500;
const shortestSecret = 4;
const secretNames =
  /^(?:secret|secretAccessKey|sessionToken|bearerToken|password|token|credentials|nkeySeed|key|ca|certificate)$/;
const hidden = "***";

export function failureText(error: unknown, settings: DestinationSettings | undefined): string {
  const text = describe(error, settings);
  let shown = text;
  for (const secret of settings === undefined ? [] : secretsOf(settings)) {
    shown = shown.replaceAll(secret, hidden);
  }
  return shown.replaceAll(/\s+/g, " ").trim().slice(0, longestText);
}

function describe(error: unknown, settings: DestinationSettings | undefined): string {
  // That of a connection to several addresses says nothing itself.
  if (error instanceof AggregateError && error.errors.length > 0) {
    return describe(error.errors[0], settings);
  }
  // What `AbortSignal.timeout` ends with.
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return `no answer within ${settings?.timeoutSeconds ?? defaultTimeoutSeconds} seconds`;
  }
  if (!(error instanceof Error)) return "unknown failure";
  const text = describeTls(error) ?? describeOwn(error);
  if (error.cause === undefined) return text;
  const cause = describe(error.cause, settings);
  return text.includes(cause) ? text : `${text.replace(/\.$/, "")}: ${cause}`;
}

function describeOwn(error: Error): string {
  const isReset = "code" in error && error.code === "ECONNRESET";
  if (isReset) return `the receiver closed the connection: ${error.message}`;
  return error.message === "" ? error.name : error.message;
}

/** `undefined`: it has nothing to do with TLS. */
function describeTls(error: Error): string | undefined {
  const { code = "", reason } = error as { readonly code?: unknown; readonly reason?: unknown };
  if (typeof code !== "string") return undefined;
  // https://nodejs.org/api/tls.html#x509-certificate-error-codes
  if (/^(?:SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|CERT_|CRL_|INVALID_CA|ERR_TLS_CERT)/.test(code)) {
    // Behind the semicolon is advice for those who start Node.js themselves.
    return `the receiver's certificate is not trusted: ${error.message.split(";")[0]}`;
  }
  if (!code.startsWith("ERR_SSL_") || typeof reason !== "string") return undefined;
  if (reason.includes("alert")) return `the receiver refused the TLS connection: ${reason}`;
  return `no TLS connection: ${reason}`;
}

function secretsOf(settings: DestinationSettings): readonly string[] {
  const secrets: string[] = [];
  const visit = (value: unknown, name: string): void => {
    if (typeof value === "string") {
      // Of a file whoever repeats it may repeat a line.
      if (secretNames.test(name)) secrets.push(value, ...value.split(/\r?\n/).filter(isLong));
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

/** Neither a short text nor the frame of PEM and of credentials. */
function isLong(line: string): boolean {
  return line.length >= 16 && !line.startsWith("---");
}

function passwordsIn(text: string): readonly string[] {
  if (!URL.canParse(text)) return [];
  const { password } = new URL(text);
  return password === "" ? [] : [password, decodeURIComponent(password)];
}
