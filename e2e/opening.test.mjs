// The run that the page opens on comes with it, and the simulator makes it again behind the first
// view: whatever came, what is made here counts. Leaves out what the run shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { openPage, readRun, waitForState, zeros } from "./support.mjs";

const OPENING = "**/opening-*.bin";

/** Waits until the simulator has made the run too; says whether it was the same. */
async function proof({ page }) {
  await page.waitForSelector("html[data-opening]", { state: "attached" });
  return page.getAttribute("html", "data-opening");
}

/** The same run, simulated because a link asks for it. */
async function simulated(t) {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1");
  t.after(view.close);
  return readRun(view);
}

/** Opens the page with another file in place of the run. */
function withOpening(change) {
  return (page) =>
    page.route(OPENING, async (route) => {
      const response = await route.fetch();
      const body = gzipSync(change(gunzipSync(await response.body())));
      await route.fulfill({ response, body });
    });
}

/** Has nothing behind the first view arrive, until `come()`. */
function heldBack() {
  let come;
  const coming = new Promise((done) => (come = done));
  const prepare = (page) =>
    page.route(/_rest\.wasm$|worker\.js$/, async (route) => {
      await coming;
      // A page that was closed meanwhile takes nothing.
      await route.continue().catch(() => {});
    });
  return { prepare, come };
}

/** What is drawn, as bytes. */
const pictures = ({ page }) =>
  page.evaluate(() => [...document.querySelectorAll("canvas")].map((canvas) => canvas.toDataURL()));

test("the run that came is the one that the simulator makes, and needs none to be seen", async (t) => {
  const { prepare } = heldBack();
  const alone = await openPage("", { prepare });
  t.after(alone.close);
  assert.equal(alone.page.workers().length, 0);
  const { digest, events } = await readRun(alone);
  const view = await openPage("");
  t.after(view.close);
  assert.equal(await proof(view), "reproduced");
  assert.equal(await view.page.locator(".notice").count(), 0);
  const made = await simulated(t);
  assert.deepEqual([digest, events], [made.digest, made.events]);
  assert.equal((await readRun(view)).digest, made.digest);
  assert.deepEqual(view.problems, []);
});

for (const [what, options] of [
  ["light", {}],
  ["dark", { dark: true }],
  ["a phone", { viewport: { width: 390, height: 844 }, touch: true }],
  ["a phone, dark", { viewport: { width: 390, height: 844 }, touch: true, dark: true }],
  ["a wide screen", { viewport: { width: 2560, height: 1440 } }],
]) {
  test(`what comes with the first view is all that it shows: ${what}`, async (t) => {
    const { prepare, come } = heldBack();
    const view = await openPage("", { ...options, prepare });
    t.after(view.close);
    await view.page.waitForTimeout(500);
    assert.deepEqual(await zeros(view), []);
    const before = await pictures(view);
    assert.ok(before.length > 3, "it draws");
    await view.page.evaluate(() => (globalThis.seen = [...document.querySelectorAll("canvas, button, select")]));
    come();
    await proof(view);
    assert.deepEqual(await zeros(view), []);
    // What comes is put beside what is there, and takes nobody's focus.
    const gone = () => globalThis.seen.filter((it) => !it.isConnected).map((it) => it.outerHTML.slice(0, 80));
    assert.deepEqual(await view.page.evaluate(gone), []);
    // Colours and widths are data too: drawn anew with all of it, each lane is the same.
    await view.page.setViewportSize({ width: 800, height: 700 });
    await view.page.waitForTimeout(300);
    await view.page.setViewportSize(options.viewport ?? { width: 1280, height: 800 });
    await view.page.waitForTimeout(500);
    const after = await pictures(view);
    assert.deepEqual(before.map((it) => after.includes(it)), before.map(() => true));
    assert.deepEqual(view.problems, []);
  });
}

/** Goes to the next incident, zooms, and has the keys told. */
async function act({ page }) {
  await page.getByRole("button", { name: "Next incident" }).click();
  await page.getByRole("button", { name: "Zoom in", exact: true }).click();
  await page.getByRole("button", { name: "Keys and gestures" }).click();
}

test("what somebody does before all of the page is there happens when it is", async (t) => {
  const { prepare, come } = heldBack();
  const view = await openPage("", { prepare });
  t.after(view.close);
  const { page } = view;
  const before = await readRun(view);
  await act(view);
  await page.mouse.move(700, 300);
  await page.mouse.wheel(0, 40);
  await page.waitForTimeout(300);
  // The page answers, and is as it was.
  assert.equal((await readRun(view)).tNs, before.tNs);
  assert.deepEqual(await zeros(view), []);
  assert.equal(await page.locator("dialog[open]").count(), 0);
  come();
  await page.waitForSelector("dialog[open]");
  const whole = await openPage("");
  t.after(whole.close);
  await proof(whole);
  await act(whole);
  await whole.page.waitForSelector("dialog[open]");
  const { tNs } = await readRun(whole);
  assert.notEqual(tNs, before.tNs);
  assert.equal((await readRun(view)).tNs, tNs);
  assert.deepEqual(view.problems, []);
});

/** Whether the page ever stood still to wait for a file. */
function watchWaits(page) {
  const waits = [];
  page.on("request", (request) => {
    if (request.resourceType() === "xhr") waits.push(request.url());
  });
  return waits;
}

test("a key that is pressed before all of the page is there is kept, and what is typed next goes to what it opens", async (t) => {
  const { prepare, come } = heldBack();
  let waits;
  const view = await openPage("", { prepare: (page) => ((waits = watchWaits(page)), prepare(page)) });
  t.after(view.close);
  const { keyboard } = view.page;
  await keyboard.press("F1");
  await keyboard.type("editt");
  await keyboard.press("Backspace");
  await keyboard.type(" the");
  await keyboard.press("Enter");
  // The page is alive meanwhile.
  assert.equal(await view.page.evaluate(() => new Promise((done) => setTimeout(done, 300, "alive"))), "alive");
  assert.equal(await view.page.locator("dialog[open]").count(), 0);
  come();
  await view.page.getByRole("region", { name: "Scenario" }).waitFor();
  assert.deepEqual(waits, []);
  assert.deepEqual(view.problems, []);
});

test("printing waits for all of the page, and colors that are the system's from the start do not", async (t) => {
  const opened = async (media) => {
    const waits = [];
    const prepare = async (page) => {
      page.on("request", (request) => request.resourceType() === "xhr" && waits.push(request.url()));
      await page.emulateMedia(media);
      // Late, but for whoever stands still.
      await page.route(/_rest\.wasm$/, async (route) => {
        if (route.request().resourceType() !== "xhr") await new Promise((done) => setTimeout(done, 1_500));
        await route.continue().catch(() => {});
      });
    };
    const view = await openPage("", { prepare });
    t.after(view.close);
    return { view, waits };
  };
  for (const media of [{ forcedColors: "active" }, { contrast: "more" }]) {
    const { view, waits } = await opened(media);
    assert.equal(await proof(view), "reproduced");
    assert.deepEqual(waits, [], Object.keys(media).join());
    assert.deepEqual(view.problems, []);
  }
  const { view, waits } = await opened({});
  await view.page.emulateMedia({ media: "print" });
  assert.equal(await proof(view), "reproduced");
  assert.match(waits.join(), /_rest\.wasm$/);
  assert.deepEqual(view.problems, []);
});

test("what is typed behind the key of the filter filters, and a note has its text", async (t) => {
  for (const [key, text, field] of [["/", "refuses", "#event-filter"], ["m", "my note", ".notes input"]]) {
    const { prepare, come } = heldBack();
    let waits;
    const view = await openPage("", { prepare: (page) => ((waits = watchWaits(page)), prepare(page)) });
    t.after(view.close);
    await view.page.keyboard.press(key);
    await view.page.keyboard.type(text);
    come();
    await view.page.waitForFunction(
      ([at, wanted]) => document.querySelector(at)?.value === wanted,
      [field, text],
      { timeout: 10_000 },
    );
    assert.deepEqual(waits, [], key);
    assert.deepEqual(view.problems, []);
  }
});

test("a scenario that is chosen before all of the page is there is shown when it is", async (t) => {
  const { prepare, come } = heldBack();
  const view = await openPage("", { prepare });
  t.after(view.close);
  await view.page.getByLabel(/scenario/i).first().selectOption({ value: "capture-6-1-s3" });
  await view.page.waitForTimeout(300);
  assert.doesNotMatch(await view.page.evaluate(() => location.hash), /capture-6-1-s3/);
  come();
  await view.page.waitForFunction(
    () => location.hash.includes("capture-6-1-s3") && document.documentElement.dataset.state === "ready",
  );
  assert.deepEqual(view.problems, []);
});

test("another run that came is told of, and what is made here takes its place", async (t) => {
  const forged = (bytes) => {
    // The digest: behind the version and the run's name, texts with their lengths before them.
    let at = 8;
    for (let field = 0; field < 3; field += 1) at += 8 + Number(bytes.readBigUInt64LE(at));
    bytes.fill(0xee, at + 8, at + 24);
    return bytes;
  };
  const view = await openPage("", { prepare: withOpening(forged) });
  t.after(view.close);
  assert.equal((await readRun(view)).digest, "ee".repeat(16));
  assert.equal(await proof(view), "differs");
  const { digest } = await simulated(t);
  await view.page.waitForSelector(`html[data-digest="${digest}"]`, { state: "attached" });
  assert.match(await view.page.innerText(".notice"), /not the one/);
});

for (const [what, prepare] of [
  ["is cut short", withOpening((bytes) => bytes.subarray(0, 5_000))],
  ["is of another model", withOpening((bytes) => (bytes.writeUInt32LE(99_999, 0), bytes))],
  ["is no file at all", (page) => page.route(OPENING, (route) => route.fulfill({ body: "<html>" }))],
  ["never came", (page) => page.route(OPENING, (route) => route.abort())],
]) {
  test(`the page simulates what it opens on where the run ${what}`, async (t) => {
    const view = await openPage("", { prepare });
    t.after(view.close);
    await waitForState(view, "ready");
    assert.equal((await readRun(view)).digest, (await simulated(t)).digest);
    assert.equal(view.page.workers().length, 1);
  });
}

test("who asks for something else at once gets that", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  await view.page.getByLabel(/scenario/i).first().selectOption({ value: "capture-6-1-s3" });
  await view.page.waitForFunction(
    () => location.hash.includes("capture-6-1-s3") && document.documentElement.dataset.state === "ready",
  );
  await view.page.waitForTimeout(1_000);
  assert.match(await view.page.evaluate(() => location.hash), /capture-6-1-s3/);
  assert.equal(await view.page.locator(".notice").count(), 0);
  assert.deepEqual(view.problems, []);
});
