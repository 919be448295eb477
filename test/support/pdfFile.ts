type Body = string | Buffer;

/** A PDF with a cross-reference table. The first body is that of object 1, the document catalog. */
export function pdfOf(bodies: readonly Body[], trailer = ""): Buffer {
  const objects = Object.fromEntries(bodies.map((body, index) => [index + 1, body]));
  return withObjects(Buffer.from("%PDF-1.7\n"), objects, `/Root 1 0 R /Size ${bodies.length + 1} ${trailer}`);
}

/** The PDF with an incremental update (ISO 32000-2 §7.5.6): new or changed objects by number. */
export function updatedPdf(pdf: Uint8Array, objects: Record<number, Body>): Buffer {
  const text = Buffer.from(pdf).toString("latin1");
  const last = (pattern: RegExp) => [...text.matchAll(pattern)].at(-1)![1]!;
  const size = Math.max(Number(last(/\/Size (\d+)/g)), ...Object.keys(objects).map((key) => Number(key) + 1));
  const root = last(/\/Root (\d+ \d+ R)/g);
  const previous = last(/startxref\s+(\d+)/g);
  return withObjects(Buffer.from(pdf), objects, `/Root ${root} /Size ${size} /Prev ${previous}`);
}

/** The body of a stream object. */
export function streamBody(data: Uint8Array, entries = ""): Buffer {
  return Buffer.concat([
    Buffer.from(`<< ${entries} /Length ${data.length} >>\nstream\n`),
    data,
    Buffer.from("\nendstream"),
  ]);
}

/** Where an object is, as a row of a cross-reference stream (§7.5.8.3): type and two fields. */
export type XrefRow = readonly [type: number, second: number, third: number];

/**
 * A PDF with a cross-reference stream.
 * @param rows of further objects, such as those in object streams.
 */
export function xrefStreamPdf(objects: Record<number, Body>, rows: Record<number, XrefRow>): Buffer {
  const parts: Buffer[] = [Buffer.from("%PDF-1.7\n")];
  const table = new Map(Object.entries(rows));
  let length = parts[0]!.length;
  for (const [number, body] of Object.entries(objects)) {
    const part = objectOf(number, body);
    table.set(number, [1, length, 0]);
    parts.push(part);
    length += part.length;
  }
  const index = [...table.keys()].map((number) => `${number} 1`).join(" ");
  const entries = `/Type /XRef /W [1 4 1] /Index [${index}] /Size 1000 /Root 1 0 R`;
  const section = objectOf("999", streamBody(Buffer.concat([...table.values()].map(rowOf)), entries));
  return Buffer.concat([...parts, section, Buffer.from(`startxref\n${length}\n%%EOF\n`)]);
}

function rowOf([type, second, third]: XrefRow): Buffer {
  const row = Buffer.alloc(6);
  row.writeUInt8(type, 0);
  row.writeUInt32BE(second, 1);
  row.writeUInt8(third, 5);
  return row;
}

function objectOf(number: string, body: Body): Buffer {
  const bytes = typeof body === "string" ? Buffer.from(body, "latin1") : body;
  return Buffer.concat([Buffer.from(`${number} 0 obj\n`), bytes, Buffer.from("\nendobj\n")]);
}

function withObjects(before: Buffer, objects: Record<number, Body>, trailer: string): Buffer {
  const parts = [before];
  let length = before.length;
  let table = "xref\n0 1\n0000000000 65535 f \n";
  for (const [number, body] of Object.entries(objects)) {
    const part = objectOf(number, body);
    table += `${number} 1\n${String(length).padStart(10, "0")} 00000 n \n`;
    parts.push(part);
    length += part.length;
  }
  const end = `${table}trailer\n<< ${trailer} >>\nstartxref\n${length}\n%%EOF\n`;
  return Buffer.concat([...parts, Buffer.from(end)]);
}
