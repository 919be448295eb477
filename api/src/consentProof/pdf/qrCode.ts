import { encode } from "uqr";
import type { DrawPicture } from "./sheet.ts";

/** A QR code (ISO/IEC 18004) of `side` points, drawn as shapes, with the quiet zone that readers need. */
export function qrCode(text: string, side: number): DrawPicture {
  const { data, size } = encode(text, { ecc: "M", border: 2 });
  const module = side / size;
  return (doc, x, y) => {
    doc.fillColor("#000000");
    for (const [row, modules] of data.entries()) {
      for (let from = 0; from < size; from++) {
        if (!modules[from]) continue;
        let to = from;
        while (to < size && modules[to]) to++;
        doc.rect(x + from * module, y + row * module, (to - from) * module, module);
        from = to;
      }
    }
    doc.fill();
  };
}
