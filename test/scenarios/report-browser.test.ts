import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { htmlOf } from "../../scenarios/report/html";
import { describeWith } from "../real-programs";
import { seenClosely, staleReads } from "./stale-reads";

describeWith(["chromium"], "the report in a real browser", () => {
  const folder = mkdtempSync(join(tmpdir(), "wavetank-report-"));
  const file = join(folder, "report.html");
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const asked: string[] = [];

  beforeAll(async () => {
    const { input, result } = staleReads();
    const { closeUp } = seenClosely(input, result.focus.atUs);
    writeFileSync(file, htmlOf({ scenario: input.scenario, result, replayLine: "npx wavetank replay run.json", cause: "cause", closeUp }));
    browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    page = await browser.newPage({ viewport: { width: 1360, height: 900 }, colorScheme: "light" });
    await page.context().setOffline(true);
    page.on("console", (message) => complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("request", (request) => asked.push(request.url()));
    await page.goto(pathToFileURL(file).href);
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  const drawn = () => page.locator("#space-time .message").count();
  const titles = () => page.locator("#space-time .message > title").allTextContents();
  const status = () => page.locator("#space-time output").textContent();

  it("draws every part of it, without a complaint and without asking any network", async () => {
    for (const part of ["what", "operation", "messages", "recovery", "steps", "checks", "score", "reached", "events"])
      expect(await page.locator(`section#${part}`).isVisible()).toBe(true);
    expect(await page.locator("#drawings figure").count()).toBeGreaterThan(3);
    expect(await page.locator("figcaption", { hasText: "Clocks that were fast" }).isVisible()).toBe(true);
    expect(await drawn()).toBeGreaterThan(20);
    expect(asked).toEqual([pathToFileURL(file).href]);
    expect(complaints).toEqual([]);
  });

  it("filters messages by text, by kind, by host and by whether they arrived, and says how many are left", async () => {
    await page.click("#space-time button[name=all]");
    const all = await drawn();
    await page.fill("#space-time input[name=text]", "raft.append etcd/2");
    expect(await drawn()).toBeLessThan(all);
    for (const title of await titles()) expect(title).toMatch(/^raft\.append[\s\S]*etcd\/2/);
    await page.fill("#space-time input[name=text]", "");
    await page.uncheck("#space-time input[value=raft]");
    for (const title of await titles()) expect(title).not.toMatch(/^raft\./);
    await page.check("#space-time input[value=raft]");
    await page.check("#space-time input[name=lost]");
    expect((await titles()).every((title) => title.includes("never arrived"))).toBe(true);
    expect(await status()).toMatch(/: \d+ of \d+ messages, \d+ never arrived/);
    await page.uncheck("#space-time input[name=lost]");
    await page.locator("#space-time text.host", { hasText: "apiserver-0" }).click();
    for (const title of await titles()) expect(title).toContain("apiserver/0");
    await page.locator("#space-time text.host", { hasText: "apiserver-0" }).click();
    expect(await drawn()).toBe(all);
  });

  it("is magnified and moved, and a message that is clicked tells of its conversation", async () => {
    await page.click("#space-time button[name=moment]");
    const before = await status();
    await page.click("#space-time button[name=in]");
    expect(await status()).not.toBe(before);
    await page.locator("#space-time svg").press("ArrowLeft");
    await page.click("#space-time button[name=moment]");
    expect(await status()).toBe(before);
    await page.fill("#space-time input[name=text]", "etcd.range ask");
    await page.locator("#space-time .message .hit").first().dispatchEvent("click");
    expect(await page.locator("#space-time .details").textContent()).toMatch(/etcd\.range \(ask\)[\s\S]*\(answer\)/);
    expect(complaints).toEqual([]);
  });

  it("fits a narrow page, in the dark too", async () => {
    await page.emulateMedia({ colorScheme: "dark" });
    await page.setViewportSize({ width: 390, height: 800 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
    expect(await page.evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(20, 24, 31)");
    expect(complaints).toEqual([]);
  });
});
