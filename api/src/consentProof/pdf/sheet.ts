import PDFDocument from "pdfkit";
import { FONTS, type FontName } from "./fonts.ts";
import { leaveSignaturePlace } from "./signaturePlace.ts";

/** Points (1/72 inch) on A4. */
const MARGIN = 56;
const LABEL_WIDTH = 128;
const GAP = 12;
const FOOTER_HEIGHT = 24;
const ROW_GAP = 3.5;
const SECTION_GAP = 11;
/** A heading or a row begins only where this much of the page is left. */
const ROOM_MIN = 44;

/** Width of a character of the monospaced font, in its size; and how far its smaller size stands lower, to share a baseline. */
const MONO_ADVANCE = 1233 / 2048;
const MONO_DOWN = 1.2;

const INK = "#1a1f2b";
const QUIET = "#5b6475";
const LINE = "#d5dae3";

const SIZES = { title: 20, subtitle: 10, section: 11.5, text: 9, mono: 7.6, small: 7.5 };

export type SheetOptions = { title: string; language: string; createdAt: Date; modifiedAt: Date };
type Document = PDFKit.PDFDocument;
type Element = PDFKit.PDFStructureElement;

/** A tagged A4 document (PDF/A-3a, ISO 19005-3) that is filled from top to bottom; what does not fit goes on over the page. */
export class Sheet {
  readonly #doc: Document;
  readonly #root: Element;
  readonly #bytes: Promise<Uint8Array>;
  #section: Element;

  constructor({ title, language, createdAt, modifiedAt }: SheetOptions) {
    this.#doc = new PDFDocument({
      size: "A4",
      margins: { top: MARGIN, left: MARGIN, right: MARGIN, bottom: MARGIN + FOOTER_HEIGHT },
      bufferPages: true, // footers are written last, when the number of pages is known
      pdfVersion: "1.7",
      subset: "PDF/A-3a",
      tagged: true,
      lang: language,
      displayTitle: true,
      font: "", // none until ours are registered
      info: {
        Title: title,
        Creator: "Holdfast",
        Producer: "Holdfast",
        CreationDate: createdAt,
        ModDate: modifiedAt,
      },
    });
    // pdfkit takes fonts that fontkit has opened; its types do not know.
    for (const [name, font] of Object.entries(FONTS)) this.#doc.registerFont(name, font as unknown as string);
    this.#bytes = collect(this.#doc);
    this.#root = this.#doc.struct("Document");
    this.#doc.addStructure(this.#root);
    this.#section = this.#root;
  }

  /** The heading of the document, with a picture of `side` points at its right. */
  title(title: string, subtitle: string, picture: { side: number; alt: string; draw: DrawPicture }): void {
    const { width, x, y } = this.#column();
    const figure = this.#doc.struct("Figure", { alt: picture.alt }, () => {
      picture.draw(this.#doc, x + width - picture.side, y);
    });
    const textWidth = width - picture.side - GAP;
    this.#tag(this.#root, "H1", () => {
      this.#font("bold", SIZES.title, INK).text(title, x, y + 8, { width: textWidth });
    });
    this.#tag(this.#root, "P", () => {
      this.#font("text", SIZES.subtitle, QUIET).text(subtitle, x, this.#doc.y + 4, { width: textWidth });
    });
    this.#root.add(figure);
    this.#doc.y = Math.max(this.#doc.y, y + picture.side);
  }

  section(heading: string): void {
    this.#section = this.#doc.struct("Sect");
    this.#root.add(this.#section);
    this.#doc.y += SECTION_GAP;
    this.#room(ROOM_MIN);
    const { x, width } = this.#column();
    this.#tag(this.#section, "H2", () => {
      this.#font("bold", SIZES.section, INK).text(heading, x, this.#doc.y, { width });
    });
    this.#rule();
  }

  paragraph(text: string): void {
    const { x, width } = this.#column();
    this.#tag(this.#section, "P", () => {
      this.#font("text", SIZES.text, INK).text(text, x, this.#doc.y, { width, lineGap: 1.5 });
    });
    this.#doc.y += ROW_GAP;
  }

  /** Rows of a label and a value, as a table whose first cells are headings of their rows. */
  rows(rows: readonly { label: string; value: string; font?: FontName }[]): void {
    const table = this.#doc.struct("Table");
    this.#section.add(table);
    const { x, width } = this.#column();
    const valueX = x + LABEL_WIDTH + GAP;
    for (const { label, value, font = "text" } of rows) {
      this.#room(ROOM_MIN / 2);
      const row = this.#doc.struct("TR");
      table.add(row);
      const top = this.#doc.y;
      this.#tag(row, "TH", () => {
        this.#font("text", SIZES.text, QUIET).text(label, x, top, { width: LABEL_WIDTH });
      });
      const labelEnd = this.#doc.y;
      this.#tag(row, "TD", () => {
        const valueWidth = width - LABEL_WIDTH - GAP;
        if (font === "mono") this.#code(value, valueX, top + MONO_DOWN, valueWidth);
        else this.#font(font, SIZES.text, INK).text(value, valueX, top, { width: valueWidth });
      });
      // A value that went over the page ends above its label.
      this.#doc.y = (this.#doc.y < top ? this.#doc.y : Math.max(this.#doc.y, labelEnd)) + ROW_GAP;
      row.end();
    }
    table.end();
  }

  /** Embeds a file, named as the data behind the document (AFRelationship of ISO 32000-2). */
  attach(name: string, bytes: Uint8Array, type: string, at: Date): void {
    const options = { name, type, relationship: "Data", creationDate: at, modifiedDate: at };
    this.#doc.file(bytes as Buffer, options);
  }

  /** Leaves room for a signature; `at` stands in it. */
  leaveSignaturePlace(at: Date): void {
    leaveSignaturePlace(this.#doc, at);
  }

  /** Writes the footers and ends the document. */
  finish(footer: (page: number, pages: number) => string): Promise<Uint8Array> {
    this.#root.end();
    const { start, count } = this.#doc.bufferedPageRange();
    for (let page = 0; page < count; page++) {
      this.#doc.switchToPage(start + page);
      this.#doc.page.margins.bottom = 0; // the footer stands in the margin
      const { x, width } = this.#column();
      const y = this.#doc.page.height - MARGIN - SIZES.small;
      this.#doc.markContent("Artifact", { type: "Pagination" });
      this.#font("text", SIZES.small, QUIET).text(footer(page + 1, count), x, y, { width, lineBreak: false });
      this.#doc.endMarkedContent();
    }
    this.#doc.end();
    return this.#bytes;
  }

  /** Codes have no words to break at: their lines are cut by length, and nothing is left out. */
  #code(code: string, x: number, y: number, width: number): void {
    const charactersMax = Math.floor(width / (SIZES.mono * MONO_ADVANCE));
    this.#doc.y = y;
    for (const line of code.match(new RegExp(`.{1,${charactersMax}}`, "gsu")) ?? []) {
      const height = this.#font("mono", SIZES.mono, INK).currentLineHeight();
      this.#room(height);
      const lineY = this.#doc.y;
      this.#font("mono", SIZES.mono, INK).text(line, x, lineY, { lineBreak: false });
      this.#doc.y = lineY + height;
    }
  }

  #column() {
    return { x: MARGIN, y: this.#doc.y, width: this.#doc.page.width - 2 * MARGIN };
  }

  #font(name: FontName, size: number, color: string): Document {
    return this.#doc.font(name, size).fillColor(color);
  }

  #room(points: number): void {
    if (this.#doc.y + points > this.#doc.page.maxY()) this.#doc.continueOnNewPage();
  }

  #rule(): void {
    const { x, y, width } = this.#column();
    this.#doc.markContent("Artifact", { type: "Layout" });
    this.#doc
      .moveTo(x, y + 2)
      .lineTo(x + width, y + 2)
      .lineWidth(0.7)
      .stroke(LINE);
    this.#doc.endMarkedContent();
    this.#doc.y = y + 8;
  }

  #tag(parent: Element, tag: string, draw: () => void): void {
    const element = this.#doc.struct(tag, {}, draw);
    parent.add(element);
    element.end();
  }
}

/** Draws with its upper left corner at (x, y). */
export type DrawPicture = (doc: Document, x: number, y: number) => void;

function collect(doc: Document): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  return new Promise((resolve, reject) => {
    doc.on("data", (chunk: Buffer) => chunks.push(chunk));
    doc.on("end", () => resolve(Buffer.concat(chunks)));
    doc.on("error", reject);
  });
}
