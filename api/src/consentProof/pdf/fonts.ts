import { createRequire } from "node:module";
import * as fontkit from "fontkit";

const require = createRequire(import.meta.url);

/** DejaVu has Latin, Cyrillic and ✓ ✗ in one design. Parsed once: a document takes only the glyphs that it shows. */
function openFont(name: string): fontkit.Font {
  return fontkit.openSync(require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`)) as fontkit.Font;
}

export const FONTS = {
  text: openFont("DejaVuSans"),
  bold: openFont("DejaVuSans-Bold"),
  mono: openFont("DejaVuSansMono"),
};
export type FontName = keyof typeof FONTS;
