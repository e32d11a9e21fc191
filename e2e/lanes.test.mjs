// What a visitor does with what is on screen: lanes, ranges, notes, marks, printing, commands,
// comparisons. Playing and links are in run.test.mjs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessibilityProblems, openPage, readRun, screenshot, time, until, waitForState } from "./support.mjs";

test("lanes are pinned, hidden, folded and found again by keyboard alone", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=gpu0");
  t.after(view.close);
  const { keyboard } = view.page;
  const titles = () => view.page.locator(".lane-title").allInnerTexts();
  const before = await titles();
  assert.equal(before[1], "gpu0");
  await keyboard.press("p");
  await until(view, () => document.querySelector(".lane-title").innerText === "gpu0", "gpu0 on top");
  await keyboard.press("p");
  await keyboard.press("h");
  await until(view, () => !document.querySelector(".lane-labels").innerText.includes("gpu0"), "hidden");
  await keyboard.press("Shift+H");
  await until(view, () => document.querySelector(".lane-labels").innerText.includes("CPU 0"), "all");
  await view.page.getByRole("button", { name: /^CPUs/ }).click();
  await until(view, () => !document.querySelector(".lane-labels").innerText.includes("CPU 0"), "folded");
  assert.deepEqual(await titles(), before);
  assert.deepEqual(view.problems, []);
});

test("a range is summed up, noted, undone, and travels in the link", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper");
  t.after(view.close);
  const { keyboard } = view.page;
  await keyboard.press("r");
  await view.page.getByRole("heading", { name: /Numbers of the range/ }).waitFor();
  await keyboard.press("Shift+M");
  await view.page.getByLabel(/^Note at/).fill("refused again");
  await until(view, () => location.hash.includes("note=") && location.hash.includes("refused"), "noted");
  assert.deepEqual(await accessibilityProblems(view), []);
  const reader = await openPage(new URL(view.page.url()).hash);
  t.after(reader.close);
  assert.equal(await reader.page.getByLabel(/^Note at/).inputValue(), "refused again");
  const undo = view.page.getByRole("button", { name: "Undo" });
  while (await undo.isEnabled()) await undo.click();
  await until(view, () => !document.querySelector(".notes"), "no note");
  assert.deepEqual(view.problems, []);
});

test("a note is typed where it is made, and by no key before", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3805ms");
  t.after(view.close);
  const { page } = view;
  for (const make of [
    () => page.keyboard.press("m"),
    () => page.getByRole("button", { name: "note", exact: true }).click(),
  ]) {
    await make();
    await page.keyboard.type("x y, mine");
    await until(view, () => /note=3805ms,x%20y,%20mine/.test(location.hash), "the text in the link");
    assert.equal(await page.getByRole("button", { name: "Play" }).count(), 1, "Space did not play");
    assert.equal(await time(view), 3805e6);
    // Back in the lanes, where keys act.
    await page.keyboard.press("Enter");
    await page.keyboard.press("Delete");
    await until(view, () => !document.querySelector(".notes"), "removed");
  }
  assert.deepEqual(view.problems, []);
});

test("keys act after a click on a button, in a dialog that closed, on a link of a panel", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1000ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const moves = async (what) => {
    const before = await time(view);
    await page.keyboard.press(".");
    await page
      .waitForFunction((at) => Number(document.documentElement.dataset.tNs) > at, before)
      .catch(() => assert.fail(`no incident after ${what}`));
  };
  await page.getByRole("button", { name: "Next incident" }).click();
  await moves("the button");
  await page.getByRole("button", { name: "Share" }).click();
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await moves("Share");
  await page.locator(".chain button.link").first().click();
  await moves("a hop");
  await page.keyboard.press("?");
  await page.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
  const before = await time(view);
  await page.keyboard.press(".");
  await page.waitForTimeout(200);
  assert.equal(await time(view), before, "behind a dialog nothing moves");
  await page.keyboard.press("Escape");
  // Space presses the button that has the focus, and plays nothing.
  await page.getByRole("button", { name: "Keys and gestures" }).focus();
  await page.keyboard.press("Space");
  await page.getByRole("dialog", { name: "Keys and gestures" }).waitFor();
  assert.equal(await time(view), before);
});

test("a click on a mark is for its event, and the view stays under the pointer", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=4000ms&view=3000ms..4500ms&focus=editor");
  t.after(view.close);
  const { page } = view;
  const plot = await page.locator(".tl-ruler").boundingBox();
  const lane = await page.locator(".lane.selected").boundingBox();
  const x = (at) => plot.x + ((at - 3000) / 1500) * plot.width;
  // As the model has it: editor is the second victim.
  const killed = 4307.844;
  await page.mouse.move(x(killed) + 3, lane.y + lane.height / 2);
  const tip = page.locator(".tl-tip");
  assert.ok((await tip.innerText()).includes(`editor · killed at ${killed}`));
  const box = await tip.boundingBox();
  assert.ok(box.x >= 0 && box.x + box.width <= 1280, "all of it shows");
  await page.keyboard.press("Escape");
  assert.equal(await tip.isVisible(), false, "Esc puts it away");
  await page.mouse.click(x(killed) + 3, lane.y + lane.height / 2);
  await until(view, () => /^4307844\d{3}$/.test(document.documentElement.dataset.tNs), "the kill's instant");
  await until(view, () => /editor is marked as a victim/.test(document.querySelector(".row.current")?.innerText ?? ""), "the kill's event");
  // Near the edge, twice in one place: once and for all.
  await page.mouse.click(plot.x + plot.width - 4, plot.y + plot.height + 40);
  await page.waitForTimeout(200);
  const at = await time(view);
  await page.mouse.click(plot.x + plot.width - 4, plot.y + plot.height + 40);
  await page.waitForTimeout(700);
  assert.equal(await time(view), at);
  assert.match(page.url(), /view=3000ms\.\.4500ms/);
});

test("the selected range travels in the link", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper");
  t.after(view.close);
  await view.page.keyboard.press("r");
  await until(view, () => location.hash.includes("range="), "in the address");
  const hash = new URL(view.page.url()).hash;
  await view.page.getByRole("button", { name: "Share" }).click();
  await view.page.getByText(/the selected range \d/).waitFor();
  const reader = await openPage(hash);
  t.after(reader.close);
  await reader.page.getByRole("heading", { name: /Numbers of the range/ }).waitFor();
});

test("from the dark theme the page is printed on white", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms", { dark: true });
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: /Color theme: system/ }).click();
  await page.getByRole("button", { name: /Color theme: light/ }).click();
  await until(view, () => document.documentElement.dataset.theme === "dark", "dark by choice");
  // A corner of the lanes, which is the ground they are drawn on.
  const ground = () =>
    page.evaluate(() => {
      const canvas = document.querySelector(".lane-plot canvas");
      return canvas.getContext("2d").getImageData(2, 0, 1, 1).data[0];
    });
  assert.ok((await ground()) < 0x40, "dark on the screen");
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  assert.ok((await ground()) > 0xe0, "light before the browser prints");
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  assert.ok((await ground()) < 0x40, "dark again");
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  await page.waitForTimeout(200);
  assert.ok((await ground()) > 0xe0, "light where the page is looked at as print");
  const ink = await page.evaluate(() => getComputedStyle(document.body).color);
  assert.match(ink, /rgb\((1|2)?\d, /, "and text is dark");
});

test("on paper, whose width is another, cursor and marks stand where they do on the screen, and colors are printed", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&policy=interval,block-always&t=3600ms");
  t.after(view.close);
  const { page } = view;
  await page.emulateMedia({ media: "print" });
  await page.waitForTimeout(200);
  // In one go: no script of the page measures anew while it is printed.
  const [wide, narrow] = await page.evaluate(() => {
    const parts = [".tl-overlay .tl-cursor", ".stacked .tl-cursor", ".stacked .tl-parting"];
    const places = () =>
      parts.map((part) => {
        const [line, plot] = [document.querySelector(part), document.querySelector(part).parentElement];
        const [{ left }, around] = [line.getBoundingClientRect(), plot.getBoundingClientRect()];
        return (left - around.left) / around.width;
      });
    const before = places();
    document.querySelector("main").style.width = "700px";
    return [before, places()];
  });
  for (const [index, place] of wide.entries()) {
    assert.ok(place > 0.1 && Math.abs(place - narrow[index]) < 0.004, `${wide} is not ${narrow}`);
  }
  const inked = await page.locator(".swatch").first().evaluate((it) => getComputedStyle(it).printColorAdjust);
  assert.equal(inked, "exact");
});

test("compared lanes share the first run's axis on a phone, and numbers fit their panel on a desk", async (t) => {
  const link = "#/v1/run?scenario=gpu-fence-overlap&seed=1&policy=interval,block-always&t=3600ms";
  const phone = await openPage(link, { viewport: { width: 390, height: 844 }, touch: true });
  t.after(phone.close);
  await until(phone, () => document.querySelector(".stacked.narrow"), "labels above the lanes");
  const left = (part) => phone.page.locator(part).evaluate((it) => it.getBoundingClientRect().left);
  assert.ok(Math.abs((await left(".tl-overlay .tl-cursor")) - (await left(".stacked .tl-cursor"))) < 1.5);
  await screenshot(phone, "compared-phone", { fullPage: true });
  const desk = await openPage(link);
  t.after(desk.close);
  const spare = await desk.page.locator(".metrics .scroll").evaluate((it) => it.clientWidth - it.scrollWidth);
  assert.ok(spare >= 0, `${-spare} px are cut`);
});

test("fingers on a lane's label pan, zoom and select as beside it, and a tap selects the lane", async (t) => {
  const link = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms";
  const view = await openPage(link, { viewport: { width: 390, height: 844 }, touch: true });
  t.after(view.close);
  const { page } = view;
  await until(view, () => location.hash.includes("digest="), "the address");
  const hand = await page.context().newCDPSession(page);
  const label = await page.locator(".lane button").nth(1).boundingBox();
  const y = label.y + label.height / 2;
  const touch = (type, ...xs) =>
    hand.send("Input.dispatchTouchEvent", { type, touchPoints: xs.map((x, id) => ({ x, y, id })) });
  const span = async () => {
    const [, from, to] = /view=([\d.]+)ms\.\.([\d.]+)ms/.exec(await page.evaluate(() => location.hash));
    return [Number(from), to - from];
  };
  await touch("touchStart", 40);
  for (const x of [50, 70, 90]) await touch("touchMove", x);
  await touch("touchEnd");
  await until(view, () => location.hash.includes("view="), "panned");
  const [from, wide] = await span();
  await touch("touchStart", 50, 90);
  for (const far of [10, 20, 30]) await touch("touchMove", 50 - far, 90 + far);
  await touch("touchEnd");
  await until(view, (from) => !location.hash.includes(`view=${from}ms`), "zoomed", from);
  assert.ok((await span())[1] < wide / 2, `${await span()} of ${wide}`);
  await touch("touchStart", 40);
  await page.waitForTimeout(300);
  for (const x of [60, 90, 140]) await touch("touchMove", x);
  await touch("touchEnd");
  await until(view, () => location.hash.includes("range="), "selected");
  assert.equal(await page.locator(".lane.selected .lane-title").innerText(), "oom_reaper");
  const before = await time(view);
  await page.touchscreen.tap(60, y);
  await until(view, () => document.querySelector(".lane.selected .lane-title").innerText === "gpu0", "the lane");
  assert.equal(await time(view), before, "and the cursor stays");
  assert.deepEqual(view.problems, []);
});

test("Back returns to the part of the run that was on screen", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms");
  t.after(view.close);
  await until(view, () => location.hash.includes("digest="), "the first entry");
  await view.page.keyboard.press("0");
  await until(view, () => location.hash.includes("view=0ms.."), "the whole run");
  await view.page.goBack();
  await until(view, () => !location.hash.includes("view="), "the opening");
  await view.page.waitForTimeout(700);
  assert.ok(!view.page.url().includes("view="), "and it stays");
});

test("commands are found by name, and single keys can be turned off", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms");
  t.after(view.close);
  const { keyboard } = view.page;
  await keyboard.press("F1");
  await keyboard.type("end run");
  assert.deepEqual(await accessibilityProblems(view), []);
  await keyboard.press("Enter");
  await until(view, () => Number(document.documentElement.dataset.tNs) > 4e9, "the end");
  await view.page.getByRole("button", { name: "Keys and gestures" }).click();
  await view.page.getByLabel(/single letters/).uncheck();
  assert.deepEqual(await accessibilityProblems(view), []);
  await keyboard.press("Escape");
  const end = await time(view);
  await keyboard.press(",");
  await view.page.waitForTimeout(200);
  assert.equal(await time(view), end);
  await view.page.reload();
  await waitForState(view, "ready");
  await view.page.getByRole("button", { name: "Keys and gestures" }).click();
  assert.equal(await view.page.getByLabel(/single letters/).isChecked(), false);
});

test("a run is told in a few sentences, beside its verdict", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1");
  t.after(view.close);
  await view.page.getByRole("button", { name: "What happened?" }).click();
  const story = await view.page.getByRole("dialog", { name: "What happened" }).innerText();
  assert.match(story, /it was refused 10 times, for hog's buffers \(gpu0\); then it gave up/);
  assert.ok(story.includes((await readRun(view)).verdict), story);
  assert.deepEqual(await accessibilityProblems(view), []);
});

test("policies are compared under one seed, and the link carries all of them", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&policy=interval&t=3600ms");
  t.after(view.close);
  const { digest } = await readRun(view);
  await view.page.getByLabel("Compare with").selectOption({ value: "policy:skip-any" });
  await until(view, () => document.documentElement.dataset.digest.includes(","), "two runs");
  const both = await readRun(view);
  assert.equal(both.digest.split(",")[0], digest);
  assert.equal(both.verdict.split(",").length, 2);
  await view.page.getByRole("button", { name: "parts" }).click();
  await until(view, () => document.documentElement.dataset.tNs !== "3600000000", "where they part");
  await until(view, () => location.hash.includes("policy=interval,skip-any&"), "the address");
  await until(view, () => /digest=\w{32},\w{32}/.test(location.hash), "both digests");
  assert.deepEqual(await accessibilityProblems(view), []);
  const reader = await openPage(new URL(view.page.url()).hash);
  t.after(reader.close);
  await until(reader, () => document.documentElement.dataset.linkCheck === "reproduced", "both");
  await view.page.getByRole("button", { name: "Do not compare with skip-any" }).click();
  await until(view, () => /^\w{32}$/.test(document.documentElement.dataset.digest), "one run");
  assert.deepEqual(view.problems, []);
});

test("kernels and checks are compared as policies are", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms");
  t.after(view.close);
  const { page } = view;
  for (const [count, value] of [[2, "kernel:4.9"], [3, "check:lockdep"], [4, "policy:skip-any"]]) {
    await page.locator("#compare-with").selectOption({ value });
    await until(view, (n) => document.documentElement.dataset.digest.split(",").length === n, value, count);
  }
  await until(view, () => location.hash.includes("&policy=interval,skip-any&compare=kernel:4.9,check:lockdep&"), "the address");
  assert.ok(await page.locator("#compare-with").isDisabled(), "four are as many as fit");
  const heads = await page.locator(".outcomes thead th").allInnerTexts();
  assert.deepEqual(heads, ["kernel 6.1 (interval), no check", "skip-any", "kernel 4.9 (interval)", "check lockdep"]);
  const told = (name) => page.getByRole("region", { name: `Compared with ${name}` }).locator("header p").innerText();
  assert.match(await told("kernel 4.9 (interval)"), /^parts /);
  assert.match(await told("check lockdep"), /^The same run: a checker only watches\. It reports nothing\.$/);
  const digests = (await readRun(view)).digest.split(",");
  assert.equal(digests[3], digests[0]);
  assert.equal(new Set(digests).size, 3);
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "compared-kernels", { fullPage: true });
  await until(view, () => /digest=\w{32}(,\w{32}){3}/.test(location.hash), "all digests");
  const reader = await openPage(new URL(page.url()).hash);
  t.after(reader.close);
  assert.equal((await readRun(reader)).linkCheck, "reproduced");
  await page.getByRole("button", { name: "Do not compare with kernel 4.9 (interval)" }).click();
  await until(view, () => location.hash.includes("&compare=check:lockdep&"), "one less");
  assert.deepEqual(view.problems, []);
});

test("a double click shows what a lane does in full, and the whole run once more", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3805ms");
  t.after(view.close);
  const { page } = view;
  const shown = () => page.locator("[aria-label*=' lanes from ']").getAttribute("aria-label");
  const before = await shown();
  const box = await page.locator(".timeline .lane", { hasText: "oom_reaper" }).boundingBox();
  const plot = await page.locator(".tl-ruler").boundingBox();
  const at = [plot.x + plot.width * 0.75, box.y + box.height / 2];
  await page.mouse.dblclick(...at);
  await page.waitForFunction((was) => document.querySelector("[aria-label*=' lanes from ']").ariaLabel !== was, before);
  const fitted = await shown();
  const [from, to] = fitted.match(/[\d.]+(?=\sms)/g).map(Number);
  assert.ok(to - from < 130 && to - from > 100, `a back-off of 100 ms: ${fitted}`);
  await page.waitForTimeout(700);
  await page.mouse.dblclick(...at);
  await page.waitForFunction(() => / from 0\.000/.test(document.querySelector("[aria-label*=' lanes from ']").ariaLabel));
  // The hand rested in between, so these are two steps.
  for (const was of [fitted, before]) {
    await page.keyboard.press("Control+z");
    await page.waitForFunction((was) => document.querySelector("[aria-label*=' lanes from ']").ariaLabel === was, was);
  }
});

for (const [width, height, pitch] of [[1280, 800, 32], [2560, 1440, 46], [3840, 2160, 68]]) {
  test(`lanes use the room of ${width} by ${height}, and are where they are drawn`, async (t) => {
    const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3805ms", { viewport: { width, height } });
    t.after(view.close);
    const { page } = view;
    const plot = await page.locator(".tl-ruler").boundingBox();
    for (const name of ["gpu0", "hog/stuck"]) {
      const lane = page.locator(".timeline .lane", { has: page.getByText(name, { exact: true }) });
      const box = await lane.boundingBox();
      assert.equal(box.height, pitch);
      await page.mouse.click(plot.x + plot.width / 2, box.y + pitch / 2);
      await page.waitForFunction((it) => document.querySelector(".lane.selected .lane-title").innerText === it, name);
      // So that it is no double click.
      await page.waitForTimeout(450);
    }
    if (height > 2000) {
      const { height: high } = await page.locator(".timeline .tl-body").boundingBox();
      assert.ok(high > 0.35 * height, `${high} of ${height}`);
    }
  });
}

test("what appears behind a field takes neither its focus nor its text", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1ms");
  t.after(view.close);
  const { page } = view;
  const here = () => page.evaluate(() => [document.activeElement.id, document.activeElement.value].join(" "));
  await page.keyboard.press("F1");
  await page.locator("#palette-query").waitFor();
  await page.keyboard.type("editt");
  await page.getByText("Nothing has that name.").waitFor();
  assert.equal(await here(), "palette-query editt");
  await page.keyboard.press("Backspace");
  await page.keyboard.press("Enter");
  const field = page.locator("#form-machine-cpus");
  await field.fill("many");
  await page.locator(".form-field.bad .problem").first().waitFor();
  assert.equal(await here(), "form-machine-cpus many");
  // Emptied and typed anew, as one does.
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Backspace");
  await page.keyboard.type("2");
  await page.waitForFunction(() => !document.querySelector(".form-field.bad"));
  assert.equal(await here(), "form-machine-cpus 2");
});

test("what was hidden shows again, and pins, order and folds stay", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=gpu0");
  t.after(view.close);
  const { page } = view;
  const titles = () => page.locator(".timeline .lane-title").allInnerTexts();
  const pin = page.getByRole("button", { name: "Pin the lane" });
  assert.equal(await pin.getAttribute("aria-pressed"), "false");
  await page.keyboard.press("p");
  await until(view, () => document.querySelector(".lane-title").innerText === "gpu0", "gpu0 on top");
  assert.equal(await pin.getAttribute("aria-pressed"), "true");
  assert.match(await page.locator(".timeline .lane button").first().textContent(), /pinned$/);
  await until(view, () => /gpu0 is pinned on top/.test(document.querySelector("p.hidden[role=status]").textContent), "said");
  const before = await titles();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("h");
  await until(view, (count) => document.querySelectorAll(".timeline .lane-title").length === count - 1, "one less", before.length);
  await page.getByRole("button", { name: "show 1 hidden" }).click();
  await until(view, (count) => document.querySelectorAll(".timeline .lane-title").length === count, "all", before.length);
  assert.deepEqual(await titles(), before);
  assert.deepEqual(view.problems, []);
});

test("one label is in the order of focus, and arrows take the focus to the others", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=gpu0");
  t.after(view.close);
  const { page } = view;
  assert.equal(await page.locator(".timeline .lane button[tabindex='0']").count(), 1);
  await page.locator(".timeline .lane.selected button").focus();
  await page.keyboard.press("ArrowDown");
  await until(view, () => {
    const [label, selected] = [document.activeElement, document.querySelector(".timeline .lane.selected button")];
    return label === selected && label.tabIndex === 0 && !label.innerText.startsWith("gpu0");
  }, "the next label");
  assert.deepEqual(view.problems, []);
});

test("on paper every lane has its bar, wherever the lanes were scrolled", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms", { viewport: { width: 1000, height: 600 } });
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: /^CPUs/ }).click();
  await page.locator(".timeline .lane", { hasText: "CPU 0" }).waitFor();
  const body = page.locator(".tl-body");
  assert.ok(await body.evaluate((it) => (it.scrollTop = 90) && it.scrollHeight > it.clientHeight + 90), "scrolled");
  await page.waitForTimeout(200);
  // Rows of the drawing, from the top, that are more than ground, beside the labels.
  const bars = () =>
    page.evaluate(() => {
      const canvas = document.querySelector(".timeline .lane-plot canvas");
      const [plot, context] = [canvas.getBoundingClientRect(), canvas.getContext("2d")];
      return [...document.querySelectorAll(".timeline .lane")].map((lane) => {
        const { top, height } = lane.getBoundingClientRect();
        const y = Math.round(((top + height / 2 - 2 - plot.top) / plot.height) * canvas.height);
        if (y < 0 || y >= canvas.height) return false;
        const { data } = context.getImageData(0, y, canvas.width, 1);
        return data.some((value, index) => index % 4 < 3 && value < 0xf0);
      });
    });
  await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
  await page.emulateMedia({ media: "print" });
  const printed = await bars();
  assert.ok(printed.length > 8 && printed.every(Boolean), printed.join());
  await page.emulateMedia({ media: "screen" });
  await page.evaluate(() => window.dispatchEvent(new Event("afterprint")));
  await page.waitForTimeout(200);
  assert.ok((await bars()).includes(false), "and only what is in sight on the screen");
  assert.deepEqual(view.problems, []);
});

for (const dark of [false, true]) {
  test(`pinned lanes stay in sight while the others scroll, and are where they are drawn (${dark ? "dark" : "light"})`, async (t) => {
    const link = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=gpu0";
    const view = await openPage(link, { viewport: { width: 1000, height: 600 }, dark });
    t.after(view.close);
    const { page } = view;
    await page.getByRole("button", { name: /^CPUs/ }).click();
    await page.keyboard.press("p");
    await page.locator(".timeline .stays").nth(1).waitFor();
    const body = page.locator(".tl-body");
    await body.evaluate((it) => (it.scrollTop = it.scrollHeight));
    await page.waitForTimeout(200);
    const label = await page.locator(".timeline .lane.stays", { hasText: "gpu0" }).boundingBox();
    const ruler = await page.locator(".tl-ruler").boundingBox();
    assert.ok(Math.abs(label.y - ruler.y - ruler.height - 26) < 2, "under the axis and the group's name");
    // Amber of a job where its bar is.
    const amber = await page.evaluate((y) => {
      const canvas = document.querySelector(".timeline .lane-plot canvas");
      const plot = canvas.getBoundingClientRect();
      const row = Math.round(((y - plot.top) / plot.height) * canvas.height);
      const { data } = canvas.getContext("2d").getImageData(0, row, canvas.width / 4, 1);
      let count = 0;
      for (let x = 0; x < data.length; x += 4) count += data[x] > 0xd0 && data[x + 1] > 0xa0 && data[x + 2] < 0x60;
      return count;
    }, label.y + 10);
    assert.ok(amber > 50, `${amber} amber pixels`);
    const last = await page.locator(".timeline .lane", { hasText: "CPU 1" }).boundingBox();
    const click = async (box) => {
      await page.mouse.click(ruler.x + ruler.width * 0.8, box.y + box.height / 2);
      await page.waitForTimeout(450);
    };
    await click(last);
    await until(view, () => document.querySelector(".lane.selected .lane-title").innerText === "CPU 1", "one that scrolls");
    await click(label);
    await until(view, () => document.querySelector(".lane.selected .lane-title").innerText === "gpu0", "one that stays");
    assert.ok(await body.evaluate((it) => it.scrollTop > 60), "and nothing scrolled for it");
    await screenshot(view, `pinned-${dark ? "dark" : "light"}`);
    // A lane that is covered comes into sight below.
    await page.keyboard.press("ArrowDown");
    await page.waitForTimeout(200);
    const next = await page.locator(".timeline .lane.selected").boundingBox();
    assert.ok(next.y >= label.y + label.height - 1, `${next.y}, not below ${label.y + label.height}`);
    assert.deepEqual(await accessibilityProblems(view), []);
    assert.deepEqual(view.problems, []);
  });
}
