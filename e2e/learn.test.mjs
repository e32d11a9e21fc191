// Lessons, links gone wrong, recordings brought in, files taken out, and the page inside another one.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  PROGRAM,
  accessibilityProblems,
  browser,
  openPage,
  pageUrl,
  readRun,
  screenshot,
  waitForState,
  zoomsByWheel,
} from "./support.mjs";

const recording = (name) =>
  new URL(`../traces/recordings/6.1/S6-3/${name}`, import.meta.url).pathname;

const attribute = (page, name) => page.getAttribute("html", `data-${name}`);

/** Waits until the run on screen is another than `digest`. */
async function another(view, digest) {
  await view.page.waitForFunction(
    (old) =>
      document.documentElement.dataset.state === "ready" &&
      document.documentElement.dataset.digest !== old,
    digest,
  );
}

test("a first visit offers the tour and takes no for an answer", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const offer = view.page.getByRole("region", { name: "Tour" });
  await offer.waitFor();
  await offer.getByRole("button", { name: "No, thanks" }).click();
  await offer.waitFor({ state: "detached" });
  // Nothing of it is under way when the page is left.
  await view.page.waitForSelector("html[data-opening]", { state: "attached" });
  await view.page.goto("about:blank");
  await view.page.goto(await pageUrl());
  await waitForState(view, "ready");
  await view.page.waitForTimeout(200);
  assert.equal(await offer.count(), 0, "not offered again");
  assert.deepEqual(view.problems, []);
});

test("who follows a link is offered nothing", async (t) => {
  const view = await openPage("#/v1/run?scenario=capture-6-1-s6");
  t.after(view.close);
  assert.equal(await view.page.getByRole("region", { name: "Tour" }).count(), 0);
});

test("a lesson goes by keyboard alone, and asks before it reveals", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const { keyboard } = page;
  const first = (await readRun(view)).digest;
  await keyboard.press("l");
  const panel = page.getByRole("complementary");
  await panel.getByRole("heading", { name: "Learn" }).waitFor();
  await page.waitForFunction(() => document.activeElement.id === "learn-title");
  await keyboard.press("2");
  await another(view, first);
  await panel.getByRole("heading", { name: "One lock guards every mapping" }).waitFor();
  await page.waitForFunction(() => document.activeElement.id === "learn-step");
  const at = Number(await attribute(page, "t-ns"));
  await keyboard.press("2");
  await panel.getByRole("heading", { name: "The reaper comes" }).waitFor();
  assert.notEqual(Number(await attribute(page, "t-ns")), at, "the step moves the cursor");
  assert.equal(await panel.getByText("mmap_read_trylock").count(), 0, "nothing is given away");
  // From the page to the answers.
  for (let presses = 0; presses < 200; presses += 1) {
    await keyboard.press("Tab");
    const on = await page.evaluate(() => document.activeElement?.getAttribute("class") ?? "");
    if (on.includes("choice")) break;
  }
  await keyboard.press("Enter");
  await panel.getByText("mmap_read_trylock").waitFor();
  const on = () => page.evaluate(() => document.activeElement.id);
  assert.equal(await on(), "reveal", "who answered reads on there");
  await panel.getByText("Not so.").waitFor();
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "lesson");
  await page.waitForFunction(() => location.hash.includes("lesson=mmap-lock.2"));
  assert.deepEqual(view.problems, []);

  // The address is a link to this step, and what was read is remembered.
  const again = await openPage(new URL(page.url()).hash);
  t.after(again.close);
  await again.page.getByRole("heading", { name: "The reaper comes" }).waitFor();
  await page.goto(await pageUrl());
  await page.reload();
  await waitForState(view, "ready");
  await keyboard.press("l");
  await panel.getByText("2 of 5 steps").waitFor();
});

test("the tour takes the focus along, and Esc gives it back", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Take the tour" }).click();
  await page.waitForFunction(() => document.activeElement.id === "learn-step");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.id === "learn-button");
  assert.equal(await page.getByRole("complementary").count(), 0);
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "learn-step" || document.activeElement.id === "learn-title");
});

test("lessons on a phone and in the dark", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&lesson=indirect-dependency.2", {
    viewport: { width: 390, height: 844 },
    dark: true,
  });
  t.after(view.close);
  await view.page.getByRole("heading", { name: "Direct: one lock" }).waitFor();
  assert.deepEqual(await accessibilityProblems(view), []);
  const wide = await view.page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  assert.equal(wide, false, "no sideways scrolling");
  await screenshot(view, "lesson-phone-dark");
});

test("links that cannot be opened are told in plain words, beside a run", async (t) => {
  const links = {
    "#/v7/run?x=1": /newer than this program/,
    "#/v1/run?scenario=gpu-fence-overlap&seed=99999999999999999999": /seed/,
    "#/v1/run?scenario=%00%ff": /damaged/,
    "#/v1/run?z=AQ<script>alert(1)</script>": /damaged/,
    "#/v1/run?scenario=nowhere": /no scenario/,
    "#/v1/run?scenario=gpu-fence-overlap&lesson=nothing.9": /no lesson/,
    [`#/v1/run?scenario=${"x".repeat(600_000)}`]: /bytes, more than/,
  };
  for (const [link, expected] of Object.entries(links)) {
    const view = await openPage(link);
    const notice = view.page.locator(".notice");
    await notice.waitFor();
    assert.match(await notice.innerText(), expected, link.slice(0, 80));
    assert.equal((await readRun(view)).state, "ready");
    assert.deepEqual(view.problems, [], link.slice(0, 80));
    await view.close();
  }
});

test("a link of another run says from about where they part", async (t) => {
  const first = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=5&t=1s");
  t.after(first.close);
  await first.page.waitForFunction(() => location.hash.includes("&marks="));
  const hash = new URL(first.page.url()).hash;
  const marks = /&marks=([^&]+)/.exec(hash)[1];
  const other = marks.slice(0, 9) + [...marks.slice(9)].reverse().join("");
  const turned = hash
    .replace(marks, other)
    .replace(/&digest=([0-9a-f]+)/, (_, digest) => `&digest=${[...digest].reverse().join("")}`);
  const view = await openPage(turned);
  t.after(view.close);
  assert.equal((await readRun(view)).linkCheck, "differs");
  const told = await view.page.locator(".digest").innerText();
  assert.match(told, /equal up to record 256, differs before record 512/);
});

test("a recording is dropped, explained, run, and laid over the run", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const first = (await readRun(view)).digest;
  const [trace, log] = await Promise.all([
    readFile(recording("trace.txt.gz")),
    readFile(recording("dmesg.txt")),
  ]);
  // As left by a tool that appends to a packed file: two members.
  const plain = gunzipSync(trace);
  const middle = plain.indexOf("\n", plain.length / 2) + 1;
  const packed = Buffer.concat([plain.subarray(0, middle), plain.subarray(middle)].map((part) => gzipSync(part)));
  const transfer = await page.evaluateHandle(
    ([traceBase64, logText]) => {
      const transfer = new DataTransfer();
      const bytes = Uint8Array.from(atob(traceBase64), (letter) => letter.charCodeAt(0));
      transfer.items.add(new File([bytes], "trace.txt.gz"));
      transfer.items.add(new File([logText], "dmesg.txt"));
      return transfer;
    },
    [packed.toString("base64"), log.toString()],
  );
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
  const dialog = page.getByRole("dialog", { name: "Import" });
  await dialog.getByText(/key events, it kills hog, then presser/).waitFor();
  for (const heading of ["Inferred", "Assumed", "Ignored"]) {
    await dialog.getByRole("heading", { name: heading }).waitFor();
  }
  assert.match(await dialog.innerText(), /Nothing leaves your machine/);
  assert.deepEqual(await accessibilityProblems(view, "dialog[open]"), []);
  await screenshot(view, "import");
  await dialog.getByRole("button", { name: "Run it" }).click();
  await another(view, first);
  const strip = page.getByRole("region", { name: "Recording" });
  // It opens at the kill, on the reaper's lane, which shows what was recorded.
  assert.match(await page.locator("#why-title .of").innerText(), /oom_reaper/);
  const { tNs } = await readRun(view);
  assert.ok(Number(tNs) > 1e8, `it opens at ${tNs} ns`);
  assert.equal(await page.getByRole("button", { name: "Pause" }).count(), 0, "it stands still");
  const told = await strip.locator("summary").innerText();
  const [, matched, all] = /^(\d+) of (\d+) key events/.exec(told);
  assert.ok(Number(all) > 20 && matched === all, told);
  assert.equal(await strip.locator("svg .matched").count() > 0, true);
  await strip.locator("summary").click();
  await strip.getByRole("button").first().click();
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "recording");
  // Another policy: the same recording, other events.
  const own = (await readRun(view)).digest;
  await page.getByLabel(/^policy/i).first().selectOption({ value: "ignore" });
  await another(view, own);
  assert.ok((await strip.locator("svg .unmatched").count()) > 0);
  await zoomsByWheel(view, ".recording .rec-axis >> nth=0");
  assert.deepEqual(view.lateRequests(), []);
  assert.deepEqual(view.problems, []);
});

test("a log alone is laid over the run by its kill", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const first = (await readRun(view)).digest;
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import" });
  await dialog.locator("input[type=file]").setInputFiles(recording("dmesg.txt"));
  await dialog.getByText("3 key events, it kills hog, then presser").waitFor();
  await dialog.getByRole("button", { name: "Run it" }).click();
  await another(view, first);
  const strip = page.getByRole("region", { name: "Recording" });
  const told = await strip.locator("summary").innerText();
  assert.match(told, /^3 of 3 key events of the recording happen in this run, at most [^;]*\.$/, told);
  await strip.locator("summary").click();
  const kill = strip.getByRole("row", { name: /Killed process hog/ });
  assert.match(await kill.innerText(), /at the same time/);
  const { tNs } = await readRun(view);
  await kill.getByRole("button").click();
  assert.equal((await readRun(view)).tNs, tNs, "it opened at the kill");
  assert.deepEqual(view.problems, []);
});

test("lock debugging's text is saved of a run that was not asked for it", async (t) => {
  const view = await openPage("#/v1/run?scenario=lockdep-6-1-l1");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Export" }).click();
  const download = page.waitForEvent("download");
  const dialog = page.getByRole("dialog", { name: "Export" });
  await dialog.getByRole("button", { name: "lockdep reports", exact: true }).click();
  const file = await download;
  assert.equal(file.suggestedFilename(), "lockdep-6-1-l1-1.lockdep.txt");
  const args = ["run", "lockdep-6-1-l1", "--format", "lockdep"];
  assert.equal(await readFile(await file.path(), "utf8"), execFileSync(PROGRAM, args, { encoding: "utf8" }));
});

test("files that are nothing are refused in words", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Import" }).click();
  const dialog = page.getByRole("dialog", { name: "Import" });
  const field = dialog.locator("input[type=file]");
  const give = (name, text) => field.setInputFiles({ name, mimeType: "text/plain", buffer: Buffer.from(text) });
  await give("photo.png", "\x89PNG\0\0\0");
  await dialog.getByText("photo.png is no text").waitFor();
  await give("mine.toml", 'schema = 1\ntitle = "x"\nmachin = 3\n');
  await dialog.getByText(/mine\.toml:3.*machin/).waitFor();
  await give("mine.md", "# Mine\n@sumary: x\n## One\nText.\n");
  await dialog.getByText(/line 2: there is no directive/).waitFor();
  // And one that is something.
  await give("mine.md", "# Mine\n@summary: x\n@scenario: d2-direct\n## One step\n@cursor: kill\nText.\n");
  await page.getByRole("heading", { name: "One step" }).waitFor();
  assert.deepEqual(view.problems, []);
});

test("a run is saved in other tools' formats, and as images with the link", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=4s");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Export" }).click();
  const dialog = page.getByRole("dialog", { name: "Export" });
  const save = async (name) => {
    const download = page.waitForEvent("download");
    await dialog.getByRole("button", { name, exact: true }).click();
    const file = await download;
    return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
  };
  const chrome = await save("Trace events (JSON)");
  assert.equal(chrome.name, "gpu-fence-overlap-1.trace.json");
  assert.ok(JSON.parse(chrome.bytes).traceEvents.length > 100);
  const csv = await save("Events (CSV)");
  assert.ok(csv.bytes.toString().split("\n").length > 10_000);
  assert.match((await save("ftrace text")).bytes.toString(), /mark_victim/);
  const binary = await save("trace.dat");
  assert.equal(binary.name, "gpu-fence-overlap-1.dat");
  assert.equal(binary.bytes.subarray(3, 10).toString(), "tracing");
  assert.match((await save("Kernel log")).bytes.toString(), /oom_reaper: unable to reap/);
  const dot = await save("Wait-for graph (DOT)");
  assert.equal(dot.name, "gpu-fence-overlap-1.dot");
  const said = (...args) =>
    execFileSync(PROGRAM, ["run", "gpu-fence-overlap", "--seed", "1", ...args], { encoding: "utf8" });
  assert.equal(dot.bytes.toString(), said("--format", "dot", "--at", "4s"), "what the command line writes");
  const reports = said("--format", "lockdep") || "Nothing is reported of this run.\n";
  assert.equal((await save("lockdep reports")).bytes.toString(), reports);
  assert.match((await save("Scenario (TOML)")).bytes.toString(), /schema = 1/);
  const svg = (await save("Image (SVG)")).bytes.toString();
  assert.match(svg, /extra-victims/);
  assert.match(svg, /scenario=gpu-fence-overlap/);
  assert.match(svg, /fill="#ffffff"/, "as light as the page");
  const png = await save("Image (PNG)");
  assert.equal(png.bytes.subarray(1, 4).toString(), "PNG");
  assert.equal(png.bytes.readUInt32BE(16), 2400, "twice the size");
  assert.deepEqual(await accessibilityProblems(view, "dialog[open]"), []);
  await dialog.getByRole("button", { name: "Link" }).click();
  const share = page.getByRole("dialog", { name: "Share this moment" });
  await share.getByRole("img", { name: "QR code of the link" }).waitFor();
  await screenshot(view, "share");
  assert.deepEqual(view.lateRequests(), []);
  assert.deepEqual(view.problems, []);
  const other = await openPage("#/v1/run?scenario=d2-direct&seed=3");
  t.after(other.close);
  await other.page.getByRole("button", { name: "Import" }).click();
  const saved = { name: "run.json", mimeType: "application/json", buffer: chrome.bytes };
  await other.page.locator("dialog[open] input[type=file]").setInputFiles(saved);
  await other.page.waitForFunction(() => location.hash.includes("scenario=gpu-fence-overlap"));
  await other.page.locator('html[data-state="ready"]').waitFor({ state: "attached" });
  const [{ digest }, again] = [JSON.parse(chrome.bytes).otherData, await readRun(other)];
  assert.equal(again.digest, digest, "the same run to the bit");
});

test("inside another page there is the timeline, and a way to all of it", async (t) => {
  const context = await (await browser()).newContext({ viewport: { width: 900, height: 520 } });
  t.after(() => context.close());
  const page = await context.newPage();
  const source = `${await pageUrl()}#/v1/run?scenario=d2-direct&embed=1&t=2s`;
  await page.setContent(`<h1>Slides</h1><iframe title="run" width="860" height="420" src="${source}"></iframe>`);
  const frame = page.frameLocator("iframe");
  await frame.locator('html[data-state="ready"]').waitFor({ state: "attached" });
  assert.equal(await frame.getByLabel(/scenario/i).count(), 0);
  await frame.getByRole("button", { name: "Next incident" }).click();
  const link = frame.getByRole("link", { name: "Open in Reaperscope" });
  assert.doesNotMatch(await link.getAttribute("href"), /embed/);
});

for (const dark of [false, true]) {
  test(`inside another page compared runs and the legend are shown, and keys open nothing (${dark ? "dark" : "light"})`, async (t) => {
    const link = "#/v1/run?scenario=gpu-fence-overlap&seed=1&policy=interval,block-always&t=3600ms&embed=1";
    const view = await openPage(link, { viewport: { width: 860, height: 700 }, dark });
    t.after(view.close);
    const { page } = view;
    await page.getByRole("region", { name: "Compared with block-always" }).waitFor();
    await page.getByRole("list", { name: "Colors and signs of the lanes" }).waitFor();
    for (const key of ["?", "F1", "b", "/", "c", "m", "l"]) await page.keyboard.press(key);
    await page.waitForTimeout(300);
    assert.equal(await page.locator("dialog[open]").count(), 0);
    assert.equal(await page.locator(".tl-note").count(), 0, "no note without a field");
    assert.equal(await page.getByRole("button", { name: "note", exact: true }).count(), 0);
    const before = await page.getAttribute("html", "data-t-ns");
    await page.keyboard.press(".");
    await page.waitForFunction((was) => document.documentElement.dataset.tNs !== was, before);
    assert.deepEqual(await accessibilityProblems(view), []);
    await screenshot(view, `embed-${dark ? "dark" : "light"}`, { fullPage: true });
    assert.deepEqual(view.problems, []);
  });
}
