// TLS settings of a destination in the words of Node.js, which all client libraries take.

import type { TlsSettings } from "../../model/notification-destinations.ts";

export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

export function tlsOptions(settings: TlsSettings | undefined): TlsOptions {
  if (settings === undefined) return {};
  const { ca, certificate, key, serverName, insecure } = settings;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined ? {} : { cert: certificate }),
    ...(key === undefined ? {} : { key }),
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...(insecure === true ? { rejectUnauthorized: false } : {}),
  };
}
