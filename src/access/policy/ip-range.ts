// Addresses and CIDR ranges of the IpAddress conditions. An IPv4 address written inside IPv6
// (`::ffff:192.0.2.1`, as dual-stack sockets report it) is that IPv4 address.

/** 4 or 16 bytes. */
export type IpAddress = readonly number[];

export interface IpRange {
  readonly address: IpAddress;
  readonly prefixLength: number;
}

/** Undefined if the text is no address. A zone (`fe80::1%eth0`) is none of the address. */
export function parseIpAddress(text: string): IpAddress | undefined {
  if (!text.includes(":")) return parseIpv4(text);
  const words = parseIpv6(text.split("%", 1)[0] as string);
  if (words === undefined) return undefined;
  const bytes = words.flatMap((word) => [word >>> 8, word & 0xff]);
  return isMapped(bytes) ? bytes.slice(12) : bytes;
}

/** `192.0.2.0/24`, or an address alone. Bits behind the prefix do not matter, as in AWS. */
export function parseIpRange(text: string): IpRange | undefined {
  const [addressText = "", lengthText, ...rest] = text.split("/");
  const address = parseIpAddress(addressText);
  if (address === undefined || rest.length > 0) return undefined;
  if (lengthText === undefined) return { address, prefixLength: address.length * 8 };
  if (!/^\d{1,3}$/.test(lengthText)) return undefined;
  const isWrittenMapped = address.length === 4 && addressText.includes(":");
  const prefixLength = Number(lengthText) - (isWrittenMapped ? 96 : 0);
  if (prefixLength < 0 || prefixLength > address.length * 8) return undefined;
  return { address, prefixLength };
}

export function isInRange(address: IpAddress, range: IpRange): boolean {
  if (address.length !== range.address.length) return false;
  const wholeBytes = range.prefixLength >>> 3;
  for (let index = 0; index < wholeBytes; index += 1) {
    if (address[index] !== range.address[index]) return false;
  }
  const restBits = range.prefixLength & 7;
  if (restBits === 0) return true;
  const difference = (address[wholeBytes] as number) ^ (range.address[wholeBytes] as number);
  return difference >>> (8 - restBits) === 0;
}

function parseIpv4(text: string): IpAddress | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes: number[] = [];
  for (const part of parts) {
    // No octal, no padding: `010.0.0.1` means different things to different readers.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const byte = Number(part);
    if (byte > 255) return undefined;
    bytes.push(byte);
  }
  return bytes;
}

/** Eight words of 16 bits. */
function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = parseWords(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? parseWords(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1) return missing === 0 ? head : undefined;
  if (missing < 1) return undefined;
  return [...head, ...Array.from({ length: missing }, () => 0), ...tail];
}

function parseWords(text: string, mayEndInIpv4: boolean): readonly number[] | undefined {
  if (text === "") return [];
  const parts = text.split(":");
  const words: number[] = [];
  for (const [index, part] of parts.entries()) {
    if (mayEndInIpv4 && index === parts.length - 1 && part.includes(".")) {
      const bytes = parseIpv4(part);
      if (bytes === undefined) return undefined;
      const [a, b, c, d] = bytes as [number, number, number, number];
      words.push(a * 256 + b, c * 256 + d);
    } else if (/^[\da-fA-F]{1,4}$/.test(part)) words.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return words;
}

function isMapped(bytes: readonly number[]): boolean {
  return bytes.every((byte, index) => {
    if (index >= 12) return true;
    return byte === (index < 10 ? 0 : 0xff);
  });
}
