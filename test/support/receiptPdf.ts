import { AFRelationship, PDFDocument } from "pdf-lib";
import { pdfOf, streamBody } from "./pdfFile.ts";

/** A receipt, cut short. */
export const RECEIPT_BYTES = Buffer.from(JSON.stringify({ receipt: { hash: `0x${"ab".repeat(32)}` } }));

/** A PDF by another library, with the receipt attached. */
export async function attachedPdf(useObjectStreams: boolean, names = ["receipt.json"]): Promise<Buffer> {
  const document = await PDFDocument.create();
  document.addPage().drawText("Consent proof");
  for (const name of names)
    await document.attach(RECEIPT_BYTES, name, {
      afRelationship: AFRelationship.Data,
      mimeType: "application/json",
    });
  return Buffer.from(await document.save({ useObjectStreams }));
}

/** A small PDF: 1 the catalog, 2 the file specification, 3 the embedded file. */
export function smallPdf({
  catalog = "/AF [2 0 R]",
  specification = "/Type /Filespec /UF (receipt.json) /EF << /F 3 0 R >>",
  file = streamBody(RECEIPT_BYTES),
  more = [] as (string | Buffer)[],
  trailer = "",
} = {}): Buffer {
  return pdfOf([`<< /Type /Catalog ${catalog} >>`, `<< ${specification} >>`, file, ...more], trailer);
}
