// What a visitor does: watches, stops, steps, changes the policy, sends a link. Runs are read
// from the root element's attributes; what they should be is the committed table of digests,
// which native runs and runs under node are held to as well.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessibilityProblems, openPage, readRun, screenshot, time, until, waitForState } from "./support.mjs";

const TABLE = new URL("../sim-core/tests/digests.txt", import.meta.url);

/** Rows of the committed table: { scenario, seed, digest, events }. */
async function goldenRuns() {
  const lines = (await readFile(TABLE, "utf8")).trim().split("\n").slice(1);
  // The line over many seeds has no count of events.
  const rows = lines.map((line) => line.split(" ")).filter((row) => row.length === 4);
  return rows.map(([scenario, seed, digest, events]) => ({ scenario, seed, digest, events }));
}

test("first visit opens on a run that plays by itself", async (t) => {
  const view = await openPage("", { reducedMotion: false });
  t.after(view.close);
  const before = await time(view);
  await view.page.waitForTimeout(600);
  assert.ok((await time(view)) > before, "time passes");
  const run = await readRun(view);
  assert.equal(run.verdict, "extra-victims");
  assert.match(run.digest, /^[0-9a-f]{32}$/);
  assert.deepEqual(view.problems, []);
});

test("who asked for less motion gets a page that stands still until told to play", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const before = await time(view);
  await view.page.waitForTimeout(400);
  assert.equal(await time(view), before);
  await view.page.getByRole("button", { name: /play/i }).first().click();
  await view.page.waitForTimeout(600);
  assert.ok((await time(view)) > before, "time passes");
});

test("keyboard alone plays, pauses, steps and jumps", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { keyboard } = view.page;
  await keyboard.press("Home");
  await until(view, () => document.documentElement.dataset.tNs === "0", "Home goes to the start");
  await keyboard.press(".");
  await until(view, () => Number(document.documentElement.dataset.tNs) > 0, "an incident");
  const incident = await time(view);
  await keyboard.press("Control+ArrowRight");
  await view.page.waitForTimeout(200);
  const next = await time(view);
  assert.ok(next >= incident && next < incident + 1e9, "one event on");
  await keyboard.press("Space");
  await view.page.waitForTimeout(500);
  await keyboard.press("Space");
  await view.page.waitForTimeout(100);
  const stopped = await time(view);
  assert.ok(stopped > next, "it played");
  await view.page.waitForTimeout(300);
  assert.equal(await time(view), stopped, "it stopped");
  await keyboard.press("End");
  await view.page.waitForTimeout(200);
  assert.ok((await time(view)) > stopped, "End goes to the end");
  assert.deepEqual(view.problems, []);
});

test("pointer scrubs", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const lanes = view.page.locator(".lane-plot canvas").last();
  // The opening picture makes way for the run itself: a canvas may go between finding and measuring it.
  let box = null;
  while (!box) box = await lanes.boundingBox();
  await view.page.mouse.click(box.x + box.width * 0.3, box.y + box.height / 2);
  await view.page.waitForTimeout(200);
  const left = await time(view);
  await view.page.mouse.click(box.x + box.width * 0.7, box.y + box.height / 2);
  await view.page.waitForTimeout(200);
  assert.ok((await time(view)) > left);
});

test("another policy is another run, and the way back is the first one again", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const first = await readRun(view);
  await view.page.getByLabel(/policy/i).first().selectOption({ value: "nonblock" });
  const digest = first.digest;
  await view.page.waitForFunction(
    (old) => document.documentElement.dataset.digest !== old &&
      document.documentElement.dataset.state === "ready",
    digest,
  );
  const second = await readRun(view);
  assert.notEqual(second.digest, digest);
  await until(view, () => location.hash.includes("policy=nonblock"), "the address follows");
  await view.page.goBack();
  await view.page.waitForFunction((old) => document.documentElement.dataset.digest === old, digest);
});

test("chosen policy and seed outlast a change of scenario", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=7&policy=nonblock");
  t.after(view.close);
  await view.page.getByLabel(/scenario/i).first().selectOption({ value: "capture-6-1-s5part" });
  await until(view, () => location.hash.includes("capture-6-1-s5part"), "the address follows");
  assert.match(new URL(view.page.url()).hash, /seed=7.*policy=nonblock/);
});

test("a checker is asked from the page, its report found by key and read, and the run stays the same", async (t) => {
  const view = await openPage("#/v1/run?scenario=lockdep-6-1-l1&seed=1&t=100us");
  t.after(view.close);
  const { page } = view;
  const { digest } = await readRun(view);
  await page.getByLabel("Checks").selectOption("lockdep");
  await page.locator("#checks option", { hasText: "1 report: lockdep" }).waitFor({ state: "attached" });
  assert.equal((await readRun(view)).digest, digest);
  await page.locator("main").focus().catch(() => {});
  await page.locator("body").press(".");
  await page.waitForFunction(() => Number(document.documentElement.dataset.tNs) > 700_000);
  const { tNs } = await readRun(view);
  await page.keyboard.press("Home");
  const flag = page.locator(".badge.flag", { hasText: "lockdep" });
  assert.ok(await flag.evaluate((it) => it.scrollWidth <= it.clientWidth), "its word fits");
  await flag.click();
  const told = page.getByRole("region", { name: "What the checkers report" });
  assert.match(await told.innerText(), /possible circular locking dependency: lockrun wants .* while it holds lrec_L/);
  await told.getByText("As the kernel's log prints it").click();
  assert.match(await told.locator("pre").innerText(), /but task is already holding lock:/);
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "checks");
  await told.getByRole("button").first().click();
  await page.waitForFunction((at) => document.documentElement.dataset.tNs === at, tNs);
  await page.waitForFunction(() => /check=lockdep/.test(location.hash));
  // Off again.
  await page.getByLabel("Checks").selectOption("lockdep");
  await page.locator(".badge.flag").waitFor({ state: "detached" });
  assert.deepEqual(view.problems, []);
});

test("a seed can be a word, and one that is none is told why", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const field = page.getByLabel("Seed", { exact: true });
  await field.fill("Kyiv");
  await field.press("Enter");
  await until(view, () => /^\d+$/.test(document.querySelector("#seed").value), "a number");
  const seed = await field.inputValue();
  await page.waitForFunction((seed) => location.hash.includes(`seed=${seed}`), seed);
  for (const [wrong, why] of [["1.5", /whole number from 0 to 9007199254740991/], ["9007199254740992", /too large .* 9007199254740991/]]) {
    await field.fill(wrong);
    await field.press("Enter");
    await page.getByRole("alert").getByText(why).waitFor();
    assert.equal(await field.getAttribute("aria-invalid"), "true");
  }
  assert.deepEqual(view.problems, []);
});

test("link made here is reproduced in a fresh profile, at the same moment", async (t) => {
  const author = await openPage("");
  t.after(author.close);
  await author.page.keyboard.press("End");
  await author.page.keyboard.press(",");
  await author.page.waitForTimeout(800);
  const { digest } = await readRun(author);
  const at = await time(author);
  const hash = new URL(author.page.url()).hash;
  assert.match(hash, new RegExp(digest));
  const reader = await openPage(hash);
  t.after(reader.close);
  await until(reader, () => document.documentElement.dataset.linkCheck === "reproduced", hash);
  assert.equal((await readRun(reader)).digest, digest);
  assert.ok(Math.abs((await time(reader)) - at) < 1e6, "the same moment");
});

test("link that promises another digest is told from one that holds", async (t) => {
  const other = "0123456789abcdef0123456789abcdef";
  const view = await openPage(`#/v1/run?scenario=capture-6-1-s6&seed=1&model=1&digest=${other}`);
  t.after(view.close);
  await until(view, () => document.documentElement.dataset.linkCheck === "differs", "it differs");
  assert.deepEqual(await accessibilityProblems(view), []);
  await view.page.waitForTimeout(800);
  await view.page.reload();
  await until(view, () => document.documentElement.dataset.linkCheck === "differs", "it still does");
});

test("broken link says so and shows the example", async (t) => {
  for (const fragment of ["#/v1/run?scenario=nowhere&seed=1", "#/v9/run?scenario=x", "#/v1/run?seed=z"]) {
    const view = await openPage(fragment);
    const said = await view.page.locator("[role=alert], [role=status]").allInnerTexts();
    assert.ok(said.join(" ").length > 10, `${fragment}: ${said}`);
    assert.match((await readRun(view)).digest, /^[0-9a-f]{32}$/);
    assert.deepEqual(view.problems, []);
    await view.close();
  }
});

test("every gallery run has the native digest", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  for (const { scenario, seed, digest, events } of await goldenRuns()) {
    const fragment = `#/v1/run?scenario=${scenario}&seed=${seed}&model=1&digest=${digest}`;
    // Runs of several seeds may be alike: without the count nothing is taken for the next one.
    await view.page.evaluate((hash) => {
      delete document.documentElement.dataset.events;
      location.hash = hash;
    }, fragment);
    await view.page
      .waitForFunction(
        ([seed, digest]) =>
          location.hash.includes(`seed=${seed}`) &&
          document.documentElement.dataset.state === "ready" &&
          document.documentElement.dataset.events &&
          document.documentElement.dataset.linkCheck !== "none" &&
          document.documentElement.dataset.digest === digest,
        [seed, digest],
        { timeout: 10_000 },
      )
      .catch(async () => assert.fail(`${scenario} ${seed}: ${JSON.stringify(await readRun(view))}`));
    const run = await readRun(view);
    assert.equal(run.events, events);
    assert.equal(run.linkCheck, "reproduced");
  }
  assert.deepEqual(view.problems, []);
});

test("page works without the network once it is there", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  // Behind the first view, the page has fetched the rest of the program and started its worker.
  await view.page.waitForSelector("html[data-opening=reproduced]", { state: "attached" });
  const before = view.requests.length;
  await view.page.context().setOffline(true);
  await view.page.getByLabel(/scenario/i).first().selectOption({ value: "capture-6-1-s3" });
  await until(
    view,
    () => location.hash.includes("capture-6-1-s3") && document.documentElement.dataset.state === "ready",
    "another scenario",
  );
  await waitForState(view, "ready");
  assert.deepEqual(view.requests.slice(before), []);
});

const LOOKS = [
  ["desktop", { viewport: { width: 1280, height: 800 } }],
  ["dark", { viewport: { width: 1280, height: 800 }, dark: true }],
  ["phone", { viewport: { width: 390, height: 844 }, touch: true }],
];

for (const [name, options] of LOOKS) {
  test(`a moment of a back-off, to look at and accessible (${name})`, async (t) => {
    const run = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper";
    const view = await openPage(run, options);
    t.after(view.close);
    await view.page.waitForTimeout(300);
    await screenshot(view, `back-off-${name}`);
    assert.deepEqual(await accessibilityProblems(view), []);
    const width = await view.page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= options.viewport.width, `nothing sticks out to the side: ${width}`);
    assert.deepEqual(view.problems, []);
  });
}
