import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { bytesToHex, type Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { startHardhatChain, type TestChain } from "#test/support/chains.ts";
import { createSigner, startIssuer, type TestIssuer } from "#test/support/issuedReceipts.ts";
import { buildPage } from "../buildPage.ts";
import { launchBrowser, serve, skippedFor } from "./testBrowser.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });

describe.skipIf(skippedFor !== null)(`protocol §8: the page ${skippedFor ?? ""}`, () => {
  let chain: TestChain;
  let issuer: TestIssuer;
  let receipt: AnchorReceipt;
  let server: Awaited<ReturnType<typeof serve>>;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let requested: Set<string>;
  let complaints: string[];

  beforeAll(async () => {
    chain = await startHardhatChain();
    issuer = await startIssuer(chain);
    [receipt] = (await issuer.anchor([randomHash(), randomHash(), randomHash()])) as [AnchorReceipt];
    const html = await buildPage();
    server = await serve((_, response) => response.setHeader("content-type", "text/html").end(html));
    browser = await launchBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
    await chain?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext();
    page = await context.newPage();
    requested = new Set();
    complaints = [];
    page.on("request", (request) => requested.add(new URL(request.url()).origin));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => void (message.type() === "error" && complaints.push(message.text())));
    await page.goto(server.url);
  });
  afterEach(() => context.close());

  const paste = (value: unknown) => page.fill("#text", JSON.stringify(value, null, 2));
  const check = async (rpc = chain.rpcUrl) => {
    await page.fill("#rpc", rpc);
    await page.click("#check");
    await page.waitForSelector("#result:not([hidden])");
  };
  const outcomes = () =>
    page.$$eval("#result li", (items) =>
      Object.fromEntries(items.map((item) => [item.dataset.check!, item.dataset.outcome!])),
    );

  test("protocol §8 what a file says beside a valid receipt is shown as not proven, or makes it invalid", async () => {
    await paste({ action: "decline", receipt });
    await check();
    expect(await page.textContent("#verdict")).toContain("VALID: ");
    expect(await page.textContent("#result")).toContain(
      'not proven, the file\'s own word: action = "decline"',
    );
    await paste({ proof_hash: `sha256:${"5e".repeat(32)}`, receipt });
    await check();
    expect(await page.textContent("#verdict")).toBe("INVALID: claimNotInRecord");
  });

  test("a dropped receipt is valid, check by check, and only the RPC was asked", async () => {
    const dropped = await page.evaluateHandle((content) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([content], "receipt.json", { type: "application/json" }));
      return transfer;
    }, JSON.stringify(receipt));
    await page.dispatchEvent("main", "drop", { dataTransfer: dropped });
    await expect.poll(() => page.inputValue("#text")).toBe(JSON.stringify(receipt));
    await check();
    expect(await page.textContent("#verdict")).toContain(`VALID: ${receipt.hash}`);
    const { key, publisher, contract, ...others } = await outcomes();
    expect([key, publisher, contract]).toEqual(["notPinned", "notPinned", "passed"]);
    expect(await page.textContent("#verdict")).toContain("; issuer unknown.");
    expect(new Set(Object.values(others))).toEqual(new Set(["passed"]));
    expect(Object.keys(others)).toHaveLength(11);
    expect(requested).toEqual(new Set([new URL(server.url).origin, chain.rpcUrl]));
    expect(complaints).toEqual([]);
  });

  test("a chosen file that is an answer of GET /v1/verify is checked against the pins", async () => {
    const answer = { verified: true, receipt };
    const buffer = Buffer.from(JSON.stringify(answer));
    await page.setInputFiles("#file", { name: "answer.json", mimeType: "application/json", buffer });
    await expect.poll(() => page.inputValue("#text")).not.toBe("");
    await page.fill("#key", receipt.publicKey);
    await page.fill("#publisher", issuer.publisher);
    await page.fill("#contract", issuer.contract);
    await check();
    expect(new Set(Object.values(await outcomes()))).toEqual(new Set(["passed"]));
    await page.fill("#key", createSigner().publicKey);
    await page.click("#check");
    await page.waitForSelector("#verdict.invalid");
    expect(await outcomes()).toMatchObject({ key: "failed", publisher: "passed" });
  });

  test("text of a file that turns around or moves what stands beside it is shown as escapes", async () => {
    await paste({ "note\u202e": "\u2066\u0085DILAV", receipt });
    await check();
    const shown = await page.textContent("#result");
    expect(shown).toContain('own word: note\\u{202e} = "\\u{2066}\\u{85}DILAV"');
    expect(shown).not.toMatch(/[\u202e\u2066\u0085]/);
  });

  test("a finality that is demanded and not reached leaves the receipt unchecked", async () => {
    await page.route("http://node.example/", async (route) => {
      const { method, params } = route.request().postDataJSON();
      const isTag = method === "eth_getBlockByNumber" && ["safe", "finalized"].includes(params[0]);
      const answer = isTag
        ? { jsonrpc: "2.0", id: route.request().postDataJSON().id, result: null }
        : await (await route.fetch({ url: chain.rpcUrl })).json();
      const headers = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };
      await route.fulfill({ json: answer, headers });
    });
    await paste(receipt);
    await page.selectOption("#finality", "finalized");
    await check("http://node.example/");
    expect(await page.textContent("#verdict")).toBe("COULD NOT CHECK: notFinalEnough");
    await page.selectOption("#finality", "included");
    await check("http://node.example/");
    expect(await page.textContent("#verdict")).toContain("(included)");
  });

  test("a file of another kind is told what it is", async () => {
    const buffer = Buffer.from("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e8929401", "hex");
    await page.setInputFiles("#file", { name: "a.ots", mimeType: "application/octet-stream", buffer });
    await expect.poll(() => page.textContent("#progress")).toBe("a.ots is chosen.");
    await check();
    expect(await page.textContent("#result")).toContain("check it with `ots verify`");
  });

  test("a false receipt is invalid", async () => {
    await paste({ ...receipt, hash: randomHash() });
    await check();
    expect(await page.getAttribute("#verdict", "class")).toBe("invalid");
    expect(await outcomes()).toMatchObject({ signature: "failed", path: "failed", anchor: "passed" });
  });

  test("markup in what a node says stays text", async () => {
    const markup = '<img src="x">';
    await page.route("http://node.example/", (route) =>
      route.fulfill({
        json: { jsonrpc: "2.0", id: 1, error: { code: -32000, message: markup } },
        headers: { "access-control-allow-origin": "*", "access-control-allow-headers": "*" },
      }),
    );
    await paste(receipt);
    await check("http://node.example/");
    expect(await page.textContent('[data-check="chain"]')).toContain(markup);
    expect(await page.locator("#result img").count()).toBe(0);
  });

  test("a node that does not answer leaves the receipt unchecked", async () => {
    await paste(receipt);
    await check("http://127.0.0.1:1");
    expect(await page.getAttribute("#verdict", "class")).toBe("unchecked");
    expect(await outcomes()).toMatchObject({ signature: "passed", chain: "unchecked" });
  });

  test("what is missing or malformed is said at its field, which gets the keyboard", async () => {
    const expectErrorAt = async (field: string) => {
      await page.click("#check");
      await expect.poll(() => page.textContent(`#${field}-error`)).not.toBe("");
      expect(await page.evaluate(() => document.activeElement?.id)).toBe(field);
      expect(await page.locator('[aria-invalid="true"]').count()).toBe(1);
    };
    await expectErrorAt("text");
    await paste(receipt);
    await page.fill("#rpc", "localhost");
    await expectErrorAt("rpc");
    await page.fill("#rpc", chain.rpcUrl);
    await page.fill("#contract", "0x12");
    await expectErrorAt("contract");
    expect(await page.isHidden("#result")).toBe(true);
  });

  test("it works by keyboard alone, and the reader is taken to the verdict", async () => {
    await page.focus("#text");
    await page.keyboard.insertText(JSON.stringify(receipt));
    await page.keyboard.press("Tab");
    await page.keyboard.insertText(chain.rpcUrl);
    await page.keyboard.press("Enter");
    await page.waitForSelector("#verdict.valid");
    expect(await page.evaluate(() => document.activeElement?.id)).toBe("verdict");
  });

  test.each(["light", "dark"] as const)(
    "axe finds nothing to object to, before and after a check (%s)",
    async (colorScheme) => {
      await page.emulateMedia({ colorScheme });
      expect(await violations(page)).toEqual([]);
      await page.click("#check");
      await paste({ ...receipt, hash: randomHash() });
      await check();
      expect(await violations(page)).toEqual([]);
    },
  );

  describe("a result stands only for what is in the fields", () => {
    /** Starts a check whose last answer the node keeps until `release` is called; that waits until the page has it. */
    const startHeldCheck = async () => {
      const held = Promise.withResolvers<void>();
      const arrived = Promise.withResolvers<void>();
      let isHeld = false;
      await page.route(`${chain.rpcUrl}/**`, async (route) => {
        if (!isHeld && route.request().postData()?.includes('"finalized"')) {
          isHeld = true;
          arrived.resolve();
          await held.promise;
        }
        await route.continue();
      });
      await paste(receipt);
      await page.fill("#rpc", chain.rpcUrl);
      await page.click("#check");
      await arrived.promise;
      return async () => {
        const answered = page.waitForResponse((response) =>
          Boolean(response.request().postData()?.includes('"finalized"')),
        );
        held.resolve();
        await (await answered).finished();
        await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => setTimeout(drawn))));
      };
    };
    const drop = async (value: unknown) => {
      const transfer = await page.evaluateHandle((content) => {
        const dropped = new DataTransfer();
        dropped.items.add(new File([content], "other.json", { type: "application/json" }));
        return dropped;
      }, JSON.stringify(value));
      await page.dispatchEvent("main", "drop", { dataTransfer: transfer });
      await expect.poll(() => page.inputValue("#text")).toBe(JSON.stringify(value));
    };

    test.each([
      ["typed", paste],
      ["dropped", drop],
    ])("a receipt that is %s while another is checked never gets the other's result", async (_, give) => {
      const release = await startHeldCheck();
      await give({ ...receipt, hash: randomHash() });
      expect(await page.textContent("#progress")).not.toContain("Checking");
      await release();
      expect(await page.isHidden("#result")).toBe(true);
      await page.click("#check");
      await page.waitForSelector("#verdict.invalid");
    });

    test("a check that was overtaken does not write over the result of the later one", async () => {
      const release = await startHeldCheck();
      await paste({ ...receipt, hash: randomHash() });
      await page.click("#check");
      await page.waitForSelector("#verdict.invalid");
      await release();
      expect(await page.getAttribute("#verdict", "class")).toBe("invalid");
    });

    test.each(["#text", "#rpc", "#key"])("a change in %s hides the result", async (changed) => {
      await paste(receipt);
      await check();
      await page.focus(changed);
      await page.keyboard.insertText("x");
      expect(await page.isHidden("#result")).toBe(true);
    });
  });

  test("it also runs as a file, without a server", async () => {
    const html = await buildPage();
    const opened = await context.newPage();
    await opened.route("file:///page.html", (route) =>
      route.fulfill({ body: html, contentType: "text/html" }),
    );
    await opened.goto("file:///page.html");
    await opened.fill("#text", JSON.stringify(receipt));
    await opened.fill("#rpc", chain.rpcUrl);
    await opened.click("#check");
    await opened.waitForSelector("#verdict.valid");
  });
});

async function violations(page: Page): Promise<string[]> {
  const axe = await readFile(
    path.join(import.meta.dirname, "../../node_modules/axe-core/axe.min.js"),
    "utf8",
  );
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> };
    };
    const found = await axe.run();
    return found.violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`));
  });
}

function randomHash(): Hex {
  return bytesToHex(randomBytes(32));
}
