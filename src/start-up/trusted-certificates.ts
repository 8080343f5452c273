// Certificates of an administrator's own authority, for the connections that this process makes to a key
// server. They count for the whole process, so that only the command does it, and never the library.

import { getCACertificates, setDefaultCACertificates } from "node:tls";

/** `pem` holds one certificate or more. Throws what the parser of certificates throws. */
export function trustCertificates(pem: string | undefined): void {
  if (pem === undefined) return;
  setDefaultCACertificates([...getCACertificates("default"), pem]);
}
