import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

const pageDir = path.join(import.meta.dirname, "page");
const distDir = path.join(import.meta.dirname, "dist");

/**
 * The verifier as one HTML file that needs nothing beside it. Its policy lets exactly the script and style that are in it run,
 * and lets it connect to http(s) URLs: whatever RPC its user names.
 */
export async function buildPage(): Promise<string> {
  const [template, style, script] = await Promise.all([
    readFile(path.join(pageDir, "index.html"), "utf8"),
    bundle("page.css"),
    bundle("page.ts"),
  ]);
  const policy = [
    "default-src 'none'",
    `script-src '${sourceHash(script)}'`,
    `style-src '${sourceHash(style)}'`,
    "connect-src http: https:",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
  const substitutes = {
    "default-src 'none'": policy,
    '<link rel="stylesheet" href="page.css">': `<style>${style}</style>`,
    '<script type="module" src="page.ts"></script>': `<script type="module">${script}</script>`,
  };
  return Object.entries(substitutes).reduce(substitute, template);
}

function substitute(html: string, [place, content]: [string, string]): string {
  const [before, after, ...more] = html.split(place);
  if (before === undefined || after === undefined || more.length > 0)
    throw new Error(`not once in the page: ${place}`);
  return before + content + after;
}

/** Writes the page to verifier/dist/index.html and answers where that is. */
export async function writePage(): Promise<string> {
  await mkdir(distDir, { recursive: true });
  const file = path.join(distDir, "index.html");
  await writeFile(file, await buildPage());
  return file;
}

async function bundle(entry: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [path.join(pageDir, entry)],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: ["es2024"],
    charset: "utf8",
    legalComments: "none",
    write: false,
  });
  // An inline script ends at the first "</script", wherever in it that stands.
  return outputFiles[0]!.text.trim().replaceAll("</script", "<\\/script");
}

function sourceHash(text: string): string {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(await writePage());
