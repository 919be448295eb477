import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { buildPage } from "../buildPage.ts";
import { launchBrowser, serve, skippedFor } from "./testBrowser.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

const INJECTED = [
  "<style>main { display: none }</style>",
  '<script>document.title = "inline"</script>',
  '<script src="/script.js"></script>',
  '<form action="/stolen" method="post"><button id="stolen">Check</button></form>',
].join("\n");
const SCRIPT_FILE = 'document.body.dataset.ran = "external"';
const POLICY = /<meta http-equiv="Content-Security-Policy"[^>]*>/;

const suite = `the page's policy lets in no script, style or form target of another's ${skippedFor ?? ""}`;
describe.skipIf(skippedFor !== null)(suite, () => {
  let browser: Browser;
  let page: Page;
  let withInjected: string;
  let html: string;
  let server: Awaited<ReturnType<typeof serve>>;
  let asked: string[];

  beforeAll(async () => {
    withInjected = (await buildPage()).replace("</main>", `</main>${INJECTED}`);
    server = await serve(({ url }, response) => {
      asked.push(url!);
      const [type, body] = url === "/script.js" ? ["text/javascript", SCRIPT_FILE] : ["text/html", html];
      response.setHeader("content-type", type!).end(body);
    });
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  beforeEach(async () => {
    asked = [];
    page = await browser.newPage();
    await page.addInitScript(() => {
      const refused: string[] = [];
      Object.assign(globalThis, { refused });
      document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
        refused.push(`${effectiveDirective} ${blockedURI}`);
      });
    });
  });
  afterEach(() => page.close());

  const ran = () => page.evaluate(() => [document.title, document.body.dataset.ran]);
  // Not `page.click`, which waits for the navigation that must not come.
  const submit = () => page.$eval("#stolen", (button) => (button as HTMLButtonElement).click());

  test("with it, nothing that is written into the page runs, shows or is sent", async () => {
    html = withInjected;
    await page.goto(server.url);
    await submit();
    const refused = () => page.evaluate(() => (globalThis as unknown as { refused: string[] }).refused);
    await expect
      .poll(async () => (await refused()).toSorted())
      .toEqual([
        `form-action ${server.url}stolen`,
        `script-src-elem ${server.url}script.js`,
        "script-src-elem inline",
        "style-src-elem inline",
      ]);
    expect(await ran()).toEqual(["Check an anchor receipt", undefined]);
    expect(await page.isVisible("main")).toBe(true);
    expect(page.url()).toBe(server.url);
    expect(asked.filter((url) => url !== "/favicon.ico")).toEqual(["/"]);
  });

  test("without it, all of that would", async () => {
    html = withInjected.replace(POLICY, "");
    await page.goto(server.url);
    expect(await ran()).toEqual(["inline", "external"]);
    expect(await page.isVisible("main")).toBe(false);
    await submit();
    await expect.poll(() => asked).toContain("/stolen");
  });
});
