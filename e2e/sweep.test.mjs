// Sweeps over seeds, as a visitor uses them: runs made by workers with progress, cancel and what
// is there so far; bars and dots that open their seeds; a review that is downloaded.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { accessibilityProblems, openPage, pressAbove, readRun, screenshot, until, waitForState, zoomsByWheel } from "./support.mjs";

/** A page with the sweep open; `cores` is what the browser says of the machine. */
async function openSweep(options = {}) {
  const { cores = 2, fragment = "", before, ...rest } = options;
  const prepare = async (page) => {
    await before?.(page);
    await page.addInitScript((cores) => {
      Object.defineProperty(navigator, "hardwareConcurrency", { get: () => cores });
    }, cores);
  };
  const view = await openPage(fragment, { ...rest, prepare });
  await pressAbove(view.page, "Sweep");
  const panel = view.page.getByRole("complementary", { name: "Sweep over seeds" });
  await panel.waitFor();
  return { view, panel };
}

async function sweep(panel, { policies = [], count = "24" } = {}) {
  for (const policy of policies) await panel.getByLabel(policy, { exact: true }).check();
  await panel.getByLabel("Seeds", { exact: true }).fill(count);
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.getByText(/^\d+ runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
}

/** All that the results say, but for the dot that is pointed at. */
const said = async (panel) =>
  (await panel.locator(".swept :is(h3, .shares, .quantiles, .differences)").allTextContents()).join();

test("any number of workers finds the same, and it shows", async (t) => {
  const found = [];
  for (const cores of [1, 3]) {
    const { view, panel } = await openSweep({ cores });
    t.after(view.close);
    await sweep(panel, { policies: ["block-always", "skip-any"] });
    found.push(await said(panel));
    const policies = panel.locator(".swept");
    assert.equal(await policies.count(), 3);
    for (const policy of await policies.all()) {
      const shares = await policy.locator(".shares .text").allInnerTexts();
      assert.ok(shares.length > 0 && shares.every((text) => /^[\d.]+ % \([\d.]+ to [\d.]+ %\)$/.test(text)));
    }
    assert.match(found.at(-1), /median/);
    assert.deepEqual(await accessibilityProblems(view), []);
    assert.deepEqual(view.problems, []);
    // A worker begins with the program's own files, which the browser has; nothing else is asked for.
    const own = /\/(worker|rest|web-[0-9a-f]+)\.js$/;
    assert.deepEqual(view.lateRequests().filter((url) => !own.test(url)), []);
    if (cores === 3) await screenshot(view, "sweep");
  }
  assert.equal(found[0], found[1]);
});

test("closed by Esc a sweep goes on, says so, and is there when it is opened again", async (t) => {
  const { view, panel } = await openSweep({ cores: 1 });
  t.after(view.close);
  const { page } = view;
  await panel.getByLabel("Seeds", { exact: true }).fill("900");
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.getByText(/^[1-9]\d* of 900 runs/).waitFor();
  const bar = await panel.getByRole("progressbar", { name: "Runs made" }).boundingBox();
  assert.ok(bar.height >= 8 && bar.width > 200, JSON.stringify(bar));
  const below = async () => (await panel.locator("[role=status]").first().boundingBox()).y;
  const place = await below();
  await page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  const back = page.getByRole("button", { name: /^Sweep: \d+ of 900 runs$/ });
  await back.waitFor();
  await screenshot(view, "sweep-behind");
  assert.deepEqual(await accessibilityProblems(view), []);
  await back.click();
  await panel.getByText(/^\d+ runs in [\d.]+ s$/).waitFor({ timeout: 60_000 });
  assert.equal(await panel.getByLabel("Seeds", { exact: true }).inputValue(), "900");
  assert.ok((await said(panel)).length > 0);
  // The bar is gone, and what is below it stays where it was.
  assert.equal(await panel.getByRole("progressbar", { name: "Runs made" }).count(), 0);
  assert.equal(await below(), place);
  assert.deepEqual(view.problems, []);
});

test("closed by Esc a rewinding goes on", async (t) => {
  const { view, panel } = await openSweep({ cores: 1 });
  t.after(view.close);
  await panel.getByRole("button", { name: "Rewind", exact: true }).click();
  await view.page.keyboard.press("Escape");
  await panel.waitFor({ state: "hidden" });
  const told = view.page.locator(".rewound").getByText(/No return from|At no moment tried/);
  await told.waitFor({ timeout: 60_000 });
  assert.deepEqual(view.problems, []);
});

test("without workers the page sweeps by itself, and finds the same", async (t) => {
  const found = [];
  for (const part of ["none", "workers that do not start", "workers"]) {
    const { view, panel } = await openSweep({
      before: async (page) => {
        if (part === "none") await page.addInitScript(() => delete window.Worker);
        if (part.includes("not")) await page.route("**/worker.js*", (route) => route.fulfill({ status: 404 }));
      },
    });
    t.after(view.close);
    await sweep(panel, { policies: ["interval"], count: "6" });
    found.push(await said(panel));
    const coming = view.page.waitForEvent("download");
    await panel.getByRole("button", { name: "Review (Markdown)" }).click();
    const text = await readFile(await (await coming).path(), "utf8");
    // Where it was made stands in it, and that is another port each time.
    found.push(text.replace(/http:\S+/g, ""));
  }
  assert.match(found[0], /median/);
  assert.deepEqual(found.slice(0, 2), found.slice(4));
  assert.deepEqual(found.slice(2, 4), found.slice(4));
});

test("bars, dots and picks open their seeds, and the sweep stays", async (t) => {
  const { view, panel } = await openSweep();
  t.after(view.close);
  const { page } = view;
  await sweep(panel);
  const before = await said(panel);
  const seedOf = async () => Number(await page.getByLabel("Seed", { exact: true }).inputValue());
  for (const link of [panel.locator(".picks a").first(), panel.locator(".shares a").first()]) {
    const seed = Number(/seed=(\d+)/.exec(await link.getAttribute("href"))?.[1] ?? 1);
    await link.click();
    await page.waitForFunction((seed) => document.querySelector("#seed").value === String(seed), seed);
    await waitForState(view, "ready");
    assert.equal(await seedOf(), seed);
  }
  // A dot, by key and by pointer: both lead to the seed that the reading names.
  const slider = panel.getByRole("slider").first();
  await slider.focus();
  await page.keyboard.press("End");
  const reading = panel.locator(".reading a").first();
  const told = await reading.innerText();
  assert.equal(await slider.getAttribute("aria-valuetext"), told);
  await reading.click();
  const seed = Number(/^seed (\d+):/.exec(told)[1]);
  await page.waitForFunction((seed) => document.querySelector("#seed").value === String(seed), seed);
  await waitForState(view, "ready");
  // What the dot said is what the run shows.
  assert.ok(told.endsWith((await readRun(view)).verdict), told);
  const canvas = panel.locator(".distribution canvas").first();
  await canvas.hover({ position: { x: 10, y: 80 } });
  const hovered = await reading.innerText();
  await canvas.click({ position: { x: 10, y: 80 } });
  const other = /^seed (\d+):/.exec(hovered)[1];
  await page.waitForFunction((seed) => document.querySelector("#seed").value === seed, other);
  assert.equal(await said(panel), before);
  assert.deepEqual(view.problems, []);
});

test("kernels and values are varied too, and links carry them", async (t) => {
  for (const look of [{}, { viewport: { width: 390, height: 844 } }, { dark: true }]) {
    const { view, panel } = await openSweep(look);
    t.after(view.close);
    const { page } = view;
    await panel.getByText("Kernels and values").click();
    await panel.getByLabel("Values to try, a path a line").fill("machine.cpuz = 1, 2");
    await panel.getByRole("button", { name: "Run them" }).click();
    await panel.getByRole("alert").getByText(/In the change machine\.cpuz = 1: .*cpus/).waitFor();
    await panel.getByLabel("Values to try, a path a line").fill("machine.cpus = 1, 2");
    await panel.getByLabel("5.3", { exact: true }).check();
    await panel.getByLabel("6.1", { exact: true }).check();
    await sweep(panel, { policies: ["block-always"], count: "6" });
    const names = await panel.locator(".swept h3").allInnerTexts();
    assert.equal(names.length, 8, names.join());
    assert.match(names[1], /^5\.3 block-always machine\.cpus=1/);
    assert.match(names[7], /^6\.1 block-always machine\.cpus=2/);
    const last = panel.locator(".swept").last();
    assert.match(await last.locator("summary").innerText(), /against 6\.1 \S+ machine\.cpus=2$/);
    assert.deepEqual(await accessibilityProblems(view), []);
    await screenshot(view, `sweep-grid-${look.dark ? "dark" : (look.viewport?.width ?? 1280)}`);
    // A dot's run is the one that its case made.
    const reading = last.locator(".reading a");
    const told = await reading.innerText();
    const href = await reading.getAttribute("href");
    for (const part of ["kernel=6.1", "policy=block-always", "set=machine.cpus"]) assert.ok(href.includes(part), href);
    await reading.click();
    const seed = /^seed (\d+):/.exec(told)[1];
    await page.waitForFunction((seed) => document.querySelector("#seed").value === seed, seed);
    await waitForState(view, "ready");
    assert.ok(told.endsWith((await readRun(view)).verdict), told);
    const coming = page.waitForEvent("download");
    await panel.getByRole("button", { name: "Review (Markdown)" }).click();
    const text = await readFile(await (await coming).path(), "utf8");
    for (const part of ["6.1 block-always machine.cpus=2", "--kernel 5.3", "--set 'machine.cpus=2'"]) {
      assert.ok(text.includes(part), part);
    }
    assert.deepEqual(view.problems, []);
  }
});

test("kernels that are compared on screen are swept, checks are said not to be", async (t) => {
  const fragment = "#/v1/run?scenario=gpu-fence-overlap&seed=1&kernel=6.1&compare=kernel:4.9,check:lockdep&t=1ms";
  for (const [name, look] of [
    ["desktop", {}],
    ["phone", { viewport: { width: 390, height: 844 } }],
    ["dark", { dark: true }],
  ]) {
    const { view, panel } = await openSweep({ fragment, ...look });
    t.after(view.close);
    for (const kernel of ["6.1", "4.9"]) {
      assert.ok(await panel.getByLabel(kernel, { exact: true }).isChecked(), kernel);
      assert.ok(await panel.getByLabel(kernel, { exact: true }).isVisible(), kernel);
    }
    assert.equal(await panel.locator(".policies :checked").count(), 0);
    await panel.getByText("Checks change no run, so those that are compared are not swept.").waitFor();
    await screenshot(view, `sweep-kernels-${name}`);
    assert.deepEqual(await accessibilityProblems(view), []);
    if (name !== "desktop") continue;
    await sweep(panel, { count: "6" });
    const names = await panel.locator(".swept h3").allInnerTexts();
    assert.deepEqual(names.map((text) => text.slice(0, 18)), ["6.1 default policy", "4.9 default policy"]);
    const href = await panel.locator(".swept").nth(1).locator(".shares a").first().getAttribute("href");
    assert.ok(href.includes("kernel=4.9") && !href.includes("policy="), href);
    assert.deepEqual(view.problems, []);
  }
});

test("a sweep is cancelled, and what is there stays", async (t) => {
  const { view, panel } = await openSweep({ cores: 1 });
  t.after(view.close);
  await panel.getByLabel("Seeds", { exact: true }).fill("20000");
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.locator(".swept").first().waitFor();
  // The page answers meanwhile. Esc would close the panel: the focus is still in it.
  await view.page.keyboard.press("Home");
  await until(view, () => document.documentElement.dataset.tNs === "0", "Home goes to the start");
  const value = () => panel.getByRole("progressbar").evaluate((bar) => bar.value);
  const some = await value();
  assert.ok(some > 0 && some < 20_000, some);
  await panel.getByRole("button", { name: "Cancel" }).click();
  const status = panel.getByText(/^Cancelled after/);
  const text = await status.innerText();
  await view.page.waitForTimeout(600);
  assert.equal(await status.innerText(), text);
  assert.equal(await panel.getByRole("button", { name: "Review (HTML)" }).isEnabled(), true);
  assert.deepEqual(view.problems, []);
});

test("one press makes the review, in the form that was asked for", async (t) => {
  const { view, panel } = await openSweep();
  t.after(view.close);
  await panel.getByLabel("block-always", { exact: true }).check();
  await panel.getByLabel("Seeds", { exact: true }).fill("12");
  const save = async (name) => {
    const download = view.page.waitForEvent("download", { timeout: 60_000 });
    await panel.getByRole("button", { name }).click();
    const file = await download;
    return [file.suggestedFilename(), await readFile(await file.path(), "utf8")];
  };
  const [markdownName, markdown] = await save("Review (Markdown)");
  assert.equal(markdownName, "gpu-fence-overlap-1-review.md");
  assert.match(markdown, /^# Review: /);
  assert.match(markdown, /--policy interval,block-always --seed 1 --seeds 0\.\.12/);
  assert.match(markdown, /\(12 of 12|of 12 \||12 of 12 /);
  const link = /`(http\S+#\/v1\/run\S+)`/.exec(markdown)[1];
  const [htmlName, html] = await save("Review (HTML)");
  assert.equal(htmlName, "gpu-fence-overlap-1-review.html");
  assert.match(html, /^<!doctype html>/);
  assert.match(html, /<svg/);
  assert.doesNotMatch(html, /<script|<link/);
  // Its links lead back, to the bit.
  const other = await openPage(new URL(link).hash);
  t.after(other.close);
  assert.equal((await readRun(other)).linkCheck, "reproduced");
  assert.deepEqual(view.problems, []);
});

test("the sweep takes the focus, and Esc gives it back", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Sweep" }).press("Enter");
  await page.waitForFunction(() => document.activeElement.id === "sweep-title");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => !!document.activeElement.closest(".sweep")), "in the panel");
  await page.keyboard.press("Escape");
  await page.waitForFunction(() => document.activeElement.id === "sweep-button");
  assert.equal(await page.getByRole("complementary").count(), 0);
});

for (const width of [1000, 1280, 1440, 1700]) {
  test(`beside a sweep no number is cut off: ${width}`, async (t) => {
    const { view } = await openSweep({ viewport: { width, height: 800 } });
    t.after(view.close);
    const numbers = view.page.locator(".metrics .scroll");
    await numbers.getByText("allocation stalls").waitFor();
    const [wide, room] = await numbers.evaluate((it) => [it.scrollWidth, it.clientWidth]);
    assert.ok(wide <= room, `${wide} px of ${room}`);
    const all = await view.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(all[0] <= all[1], all.join(" px of "));
    const { height } = await view.page.locator(".panels").boundingBox();
    assert.ok(height < 1_000, `the panels are ${height} px high`);
  });
}

test("what cannot be swept is said", async (t) => {
  const { view, panel } = await openSweep();
  t.after(view.close);
  await panel.getByLabel("Seeds", { exact: true }).fill("a few");
  await panel.getByRole("button", { name: "Run them" }).click();
  await panel.getByRole("alert").getByText(/“a few” is no count/).waitFor();
});

for (const [name, options] of [
  ["narrow", { viewport: { width: 390, height: 844 } }],
  ["dark", { dark: true }],
]) {
  test(`the sweep looks right: ${name}`, async (t) => {
    const { view, panel } = await openSweep(options);
    t.after(view.close);
    await sweep(panel, { policies: ["block-always"], count: "40" });
    const wide = await view.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(wide <= 0, `${wide} px too wide`);
    await screenshot(view, `sweep-${name}`);
    assert.deepEqual(await accessibilityProblems(view), []);
  });
}

test("a run is rewound, and the curve stands over it", async (t) => {
  const { view, panel } = await openSweep({ fragment: "#/v1/run?scenario=gpu-fence-overlap&seed=1" });
  t.after(view.close);
  const { page } = view;
  await panel.getByLabel("Moments", { exact: true }).fill("6");
  await panel.getByLabel("runs of each", { exact: true }).fill("3");
  await panel.getByRole("button", { name: "Rewind", exact: true }).click();
  const curve = page.locator(".rewound");
  await curve.getByText(/No return from|At no moment tried/).waitFor({ timeout: 60_000 });
  assert.equal(await curve.locator("circle").count(), 6);
  assert.equal(await panel.getByLabel("Moments", { exact: true }).inputValue(), "6", "what was asked stays");
  await curve.locator("summary").click();
  assert.equal(await curve.getByText("3 of 3").count() > 0, true);
  await curve.getByRole("button").nth(2).click();
  assert.ok(Number((await readRun(view)).tNs) > 0);
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "rewound");
  await zoomsByWheel(view, ".rewound .rec-axis");
  // It is of this run: another seed has none.
  await page.getByLabel("Seed", { exact: true }).fill("2");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".rewound") === null);
  assert.deepEqual(view.problems, []);
});

for (const dark of [false, true]) {
  test(`what a sweep, its review and a rewinding show is accessible (${dark ? "dark" : "light"})`, async (t) => {
    const { view, panel } = await openSweep({ dark, fragment: "#/v1/run?scenario=gpu-fence-overlap&seed=1" });
    t.after(view.close);
    await sweep(panel, { policies: ["block-always"], count: "12" });
    const review = view.page.waitForEvent("download", { timeout: 60_000 });
    await panel.getByRole("button", { name: "Review (HTML)" }).click();
    const text = await readFile(await (await review).path(), "utf8");
    await panel.getByLabel("Moments", { exact: true }).fill("6");
    await panel.getByLabel("runs of each", { exact: true }).fill("3");
    await panel.getByRole("button", { name: "Rewind", exact: true }).click();
    const curve = view.page.locator(".rewound");
    await curve.getByText(/No return from|At no moment tried/).waitFor({ timeout: 60_000 });
    await curve.locator("summary").click();
    assert.deepEqual(await accessibilityProblems(view), []);
    assert.deepEqual(view.problems, []);
    // The review is a page of its own.
    const page = await view.page.context().newPage();
    await page.setContent(text);
    assert.match(await page.title(), /Review/);
    assert.deepEqual(await accessibilityProblems({ page }), []);
  });
}

test("three verdicts stand side by side: what happened, what lockdep says of it, and how often", async (t) => {
  const { view, panel } = await openSweep({ fragment: "#/v1/run?scenario=lockdep-6-1-l1&seed=1&t=1ms" });
  t.after(view.close);
  const rows = panel.getByRole("table", { name: "Three verdicts" }).getByRole("row");
  const { digest, verdict } = await readRun(view);
  const told = (row) => rows.nth(row).getByRole("cell").innerText();
  assert.ok((await told(0)).startsWith(verdict), "as it happened");
  assert.match(await told(2), /no sweep/);
  await rows.nth(1).getByRole("button", { name: "Ask lockdep" }).click();
  await rows.nth(1).getByText(/possible circular locking dependency/).waitFor();
  assert.equal((await readRun(view)).digest, digest, "asking changes nothing");
  await sweep(panel, { count: "8" });
  assert.match(await told(2), new RegExp(`^${verdict} in 8 of 8 seeds: `));
  assert.deepEqual(await accessibilityProblems(view), []);
  assert.deepEqual(view.problems, []);
});
