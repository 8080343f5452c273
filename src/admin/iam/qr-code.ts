// A QR code as a PNG image, for authenticator applications to photograph.

import { crc32, deflateSync } from "node:zlib";

const signature = Buffer.from("89504e470d0a1a0a", "hex");
const pixelsPerModule = 4;
/** ISO/IEC 18004, 6.3.8: a quiet zone of four modules. */
const quietModules = 4;

export async function qrCodePng(text: string): Promise<Uint8Array> {
  const { encodeQR } = await import("qr");
  const modules = encodeQR(text, "raw", { ecc: "medium", border: quietModules });
  const size = modules.length * pixelsPerModule;
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // One bit for each pixel, of grey: 1 is white.
  header[8] = 1;
  const rows = modules.flatMap((row) => Array<Buffer>(pixelsPerModule).fill(pixelRow(row)));
  const chunks = [
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(rows))),
    chunk("IEND", Buffer.alloc(0)),
  ];
  return Buffer.concat([signature, ...chunks]);
}

/** A line of pixels behind the byte that says that it is not filtered. */
function pixelRow(modules: readonly boolean[]): Buffer {
  const size = modules.length * pixelsPerModule;
  const row = Buffer.alloc(1 + Math.ceil(size / 8));
  for (let pixel = 0; pixel < size; pixel += 1) {
    if (modules[Math.floor(pixel / pixelsPerModule)] === true) continue;
    const index = 1 + (pixel >> 3);
    row[index] = (row[index] as number) | (0x80 >> (pixel & 7));
  }
  return row;
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.byteLength);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
