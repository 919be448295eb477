import type { PdfRevision } from "./pdfRevision.ts";
import { as, isName, type PdfDict, type PdfValue } from "./pdfValue.ts";

type Field = { value: PdfValue | undefined; isSignature: boolean };

/**
 * The signature dictionaries of all signature fields that are signed (ISO 32000-2 §12.7.5.5).
 * @throws {UnreadablePdfError}
 */
export async function findSignatures(revision: PdfRevision): Promise<PdfDict[]> {
  const catalog = await revision.catalog();
  const form = await revision.dict(catalog.entries.get("AcroForm"));
  const roots = await revision.items(form?.entries.get("Fields"));
  const fields: Field[] = roots.map((value) => ({ value, isSignature: false }));
  const signatures = new Set<PdfDict>();
  while (fields.length > 0) {
    const field = fields.pop()!;
    const entries = (await revision.dict(field.value))?.entries;
    const type = await revision.resolve(entries?.get("FT"));
    // A field inherits its type from its parent (§12.7.4.1).
    const isSignature = as("name", type) ? isName(type, "Sig") : field.isSignature;
    for (const kid of await revision.items(entries?.get("Kids"))) fields.push({ value: kid, isSignature });
    const signature = isSignature && (await revision.dict(entries?.get("V")));
    if (signature) signatures.add(signature);
  }
  return [...signatures];
}
