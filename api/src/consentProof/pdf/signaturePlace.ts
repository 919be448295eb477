/** Room for a signature with a few certificates; bytes. */
export const SIGNATURE_BYTES_MAX = 12_288;

/** Stands for an offset until the document is whole; as wide as the largest that a signed document may have. */
const OFFSET_UNKNOWN = 9_999_999_999;

/** PDFKit writes a name as it is, and a Buffer as hex text. */
type Reference = { end(): void };
type Document = PDFKit.PDFDocument & {
  ref(data: object): Reference & { data: Record<string, unknown> };
  page: { dictionary: Reference; annotations: unknown[] };
  _root: { data: { AcroForm: { data: { Fields: unknown[] } & Record<string, unknown> } } };
};

/** Leaves the place for an invisible signature (ISO 32000-2 §12.7.5.5, §12.8) on the last page. Its bytes are put in by pdfSigner.ts. */
export function leaveSignaturePlace(given: PDFKit.PDFDocument, at: Date): void {
  const doc = given as Document;
  const signature = doc.ref({
    Type: "Sig",
    Filter: "Adobe.PPKLite",
    SubFilter: "ETSI.CAdES.detached",
    ByteRange: [0, OFFSET_UNKNOWN, OFFSET_UNKNOWN, OFFSET_UNKNOWN],
    Contents: Buffer.alloc(SIGNATURE_BYTES_MAX),
    M: at,
  });
  const printedAndLocked = 132;
  const widget = doc.ref({
    Type: "Annot",
    Subtype: "Widget",
    FT: "Sig",
    Rect: [0, 0, 0, 0],
    V: signature,
    T: new String("Signature"),
    F: printedAndLocked,
    P: doc.page.dictionary,
  });
  doc.page.annotations.push(widget);
  const signedAndAppendOnly = 3;
  doc.initForm();
  const { data: form } = doc._root.data.AcroForm;
  form.SigFlags = signedAndAppendOnly;
  form.Fields.push(widget);
  // PDFKit expects forms to be filled in, and viewers would offer to save what they then change.
  delete form.NeedAppearances;
  delete form.DA;
  for (const object of [signature, widget]) object.end();
}
