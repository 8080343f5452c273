// TLS settings of a destination in the words of Node.js, which all client libraries take.

import { isIP } from "node:net";
import type { TlsSettings } from "../../model/notification-destinations.ts";

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** `host`: of libraries that do not tell the server the name by which they look for it. */
export function tlsOptions(settings: TlsSettings | undefined, host?: string): TlsOptions {
  const { ca, certificate, key, insecure, serverName = nameOf(host) } = settings ?? {};
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}

/** Addresses are no names (RFC 6066, section 3). */
function nameOf(host: string | undefined): string | undefined {
  return host === undefined || isIP(host) !== 0 ? undefined : host;
}

/** Addresses of version 6 stand in brackets in a URL alone. */
export function hostOf({ hostname }: URL): string {
  return hostname.replaceAll(/^\[|\]$/g, "");
}
