import PDFDocument from "pdfkit";
import { endedLine, FONT_NAMES, type FontName, fontForDocument, widthOf } from "./fonts.ts";
import { type Cut, cutLines, isExtractedInexactly } from "./lines.ts";
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

/** How far the smaller size of the monospaced font stands lower, to share a baseline. */
const MONO_DOWN = 1.2;

const INK = "#1a1f2b";
const QUIET = "#5b6475";
const LINE = "#d5dae3";

const SIZES = { title: 20, subtitle: 10, section: 11.5, text: 9, mono: 7.6, small: 7.5 };

/** A cell of a table. Text is `words` of ours, or recorded and extracted `exact`ly. */
export type Cell = { text: string; cut: Cut; font: "text" | "mono" };
type Style = { font: FontName; size: number; color: string; cut: Cut; lineGap?: number };
type Box = { x: number; y: number; width: number };

const TITLE: Style = { font: "bold", size: SIZES.title, color: INK, cut: "words" };
const SUBTITLE: Style = { font: "text", size: SIZES.subtitle, color: QUIET, cut: "words" };
const HEADING: Style = { font: "bold", size: SIZES.section, color: INK, cut: "words" };
const PARAGRAPH: Style = { font: "text", size: SIZES.text, color: INK, cut: "words", lineGap: 1.5 };

export type SheetOptions = { title: string; language: string; createdAt: Date; modifiedAt: Date };
type Document = PDFKit.PDFDocument;
type Element = PDFKit.PDFStructureElement;

/**
 * A tagged A4 document (PDF/A-3a, ISO 19005-3), filled from top to bottom. What does not fit goes on
 * over the page.
 */
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
    for (const name of FONT_NAMES) this.#doc.registerFont(name, fontForDocument(name) as unknown as string);
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
    this.#tag(this.#root, "H1", () => this.#text(title, TITLE, { x, y: y + 8, width: textWidth }));
    this.#tag(this.#root, "P", () => {
      this.#text(subtitle, SUBTITLE, { x, y: this.#doc.y + 4, width: textWidth });
    });
    this.#root.add(figure);
    this.#doc.y = Math.max(this.#doc.y, y + picture.side);
  }

  section(heading: string): void {
    this.#section = this.#doc.struct("Sect");
    this.#root.add(this.#section);
    this.#doc.y += SECTION_GAP;
    this.#room(ROOM_MIN);
    this.#tag(this.#section, "H2", () => this.#text(heading, HEADING, this.#column()));
    this.#rule();
  }

  paragraph(text: string): void {
    this.#tag(this.#section, "P", () => this.#text(text, PARAGRAPH, this.#column()));
    this.#doc.y += ROW_GAP;
  }

  /** Rows of a label and a value, as a table whose first cells are headings of their rows. */
  rows(rows: readonly { label: Cell; value: Cell }[]): void {
    const table = this.#doc.struct("Table");
    this.#section.add(table);
    for (const { label, value } of rows) this.#row(table, label, value);
    table.end();
  }

  #row(table: Element, label: Cell, value: Cell): void {
    const { x, width } = this.#column();
    const labelStyle = { ...styleOf(label), color: QUIET };
    const labelLines = linesOf(label.text, labelStyle, LABEL_WIDTH);
    this.#room(Math.max(ROOM_MIN / 2, labelLines.length * this.#lineHeight(labelStyle)));
    const row = this.#doc.struct("TR");
    table.add(row);
    const top = this.#doc.y;
    this.#tag(row, "TH", () => this.#lines(labelLines, labelStyle, x, top));
    const labelEnd = this.#doc.y;
    const y = value.font === "mono" ? top + MONO_DOWN : top;
    const valueBox = { x: x + LABEL_WIDTH + GAP, y, width: width - LABEL_WIDTH - GAP };
    this.#tag(row, "TD", () => this.#text(value.text, styleOf(value), valueBox));
    // A value that went over the page ends above its label.
    this.#doc.y = (this.#doc.y < top ? this.#doc.y : Math.max(this.#doc.y, labelEnd)) + ROW_GAP;
    row.end();
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

  #text(text: string, style: Style, { x, y, width }: Box): void {
    this.#lines(linesOf(text, style, width), style, x, y);
  }

  #lines(lines: readonly string[], style: Style, x: number, y: number): void {
    const height = this.#lineHeight(style);
    this.#doc.y = y;
    for (const line of lines) {
      this.#room(height);
      const lineY = this.#doc.y;
      const shown = isExtractedInexactly(line) ? endedLine(line) : line;
      this.#font(style.font, style.size, style.color).text(shown, x, lineY, { lineBreak: false });
      this.#doc.y = lineY + height;
    }
  }

  #lineHeight({ font, size, lineGap = 0 }: Style): number {
    return this.#doc.font(font, size).currentLineHeight(true) + lineGap;
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

function styleOf({ font, cut }: Cell): Style {
  return { font, size: SIZES[font], color: INK, cut };
}

function linesOf(text: string, { font, size, cut }: Style, width: number): string[] {
  return cutLines(text, cut, (part) => widthOf(font, part) * size, width);
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
