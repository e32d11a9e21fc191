// Why a task waits, and all of it by keyboard: the graph that closes, the table over the lanes,
// what is told in words, filters by cause, and the looks of forced colors and narrow windows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessibilityProblems, openPage, readRun, screenshot, time, until } from "./support.mjs";

const DEADLOCK = "#/v1/run?scenario=d2-direct&seed=1&t=0ms";
const BACK_OFF = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper";

/** What the status region said last. */
function said(view) {
  return view.page.locator("main > p[role=status]").innerText();
}

test("playing stops at the event that closes a cycle, and the graph shows its ring", async (t) => {
  const view = await openPage(DEADLOCK, { reducedMotion: false });
  t.after(view.close);
  assert.equal(await view.page.locator(".graph .ring").count(), 0, "no cycle yet");
  await view.page.locator("select[title^='Simulated seconds']").selectOption({ label: "8×" });
  await view.page.keyboard.press("Space");
  await until(view, () => document.querySelector(".graph .ring.closed"), "a ring");
  await view.page.getByRole("button", { name: "Play" }).waitFor();
  const stopped = await time(view);
  assert.ok(stopped > 3.11e9 && stopped < 3.12e9, `at the event: ${stopped}`);
  assert.match(await said(view), /cycle/i);
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "cycle-closes");
  // It goes on from there when asked to.
  await view.page.keyboard.press("Space");
  await until(view, (at) => Number(document.documentElement.dataset.tNs) > at, "it plays on", stopped);
  assert.deepEqual(view.problems, []);
});

test("nodes of the graph are buttons that select a lane, and G puts it away", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const node = view.page.getByRole("button", { name: /^hog\/stuck: waits for/ });
  await node.focus();
  await view.page.keyboard.press("Enter");
  await until(view, () => document.querySelector(".lane.selected")?.innerText.includes("hog/stuck"), "selected");
  await view.page.locator(".tl-body").focus();
  await view.page.keyboard.press("g");
  await until(view, () => !document.querySelector(".graph"), "away");
  assert.deepEqual(view.problems, []);
});

test("the lanes are a table that the keyboard moves through, and the cursor follows", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  await page.locator(".tl-body").focus();
  await page.keyboard.press("Tab");
  const cell = () =>
    page.evaluate(() => ({
      role: document.activeElement.getAttribute("role"),
      text: document.activeElement.textContent,
      row: document.activeElement.parentElement.querySelector("[role=rowheader]")?.textContent,
    }));
  // Buttons of groups come first in the order of focus.
  for (let n = 0; n < 20 && (await cell()).role !== "gridcell"; n += 1) await page.keyboard.press("Tab");
  const first = await cell();
  assert.equal(first.row, "oom_reaper");
  assert.match(first.text, /^back-off 4 for \d+/);
  await page.keyboard.press("ArrowRight");
  await until(view, () => /back-off 5/.test(document.activeElement.textContent), "the next state");
  assert.ok((await time(view)) > 3.6e9);
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await until(view, () => /^blocked .*waits for/.test(document.activeElement.textContent), "hog/stuck");
  assert.equal((await cell()).row, "hog/stuck");
  const box = await page.evaluate(() => {
    const { width, height } = document.activeElement.getBoundingClientRect();
    return { width, height };
  });
  assert.ok(box.width >= 24 && box.height >= 24, JSON.stringify(box));
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "grid-focus");
  assert.deepEqual(view.problems, []);
});

test("the table has a head, a place for lanes at rest, and what a screen reader activates goes there", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=150ms&focus=oom_reaper&view=100ms..180ms");
  t.after(view.close);
  const { page } = view;
  await until(view, () => location.hash.includes("digest="), "the address");
  await page.getByRole("button", { name: /^CPUs/ }).click();
  const rest = page.locator(".tl-grid [role=row]", { has: page.getByText("nothing in this window") });
  await rest.first().waitFor({ state: "attached" });
  const table = await page.locator(".tl-grid").evaluate((grid) => {
    const rows = [...grid.querySelectorAll("[role=row]")];
    const number = (element, name) => Number(element.getAttribute(name));
    return {
      rows: number(grid, "aria-rowcount") - rows.length,
      indices: rows.every((row, index) => number(row, "aria-rowindex") === index + 1),
      heads: [...rows[0].children].map((it) => it.getAttribute("role")).join(),
      wide: Math.max(...rows.map((row) => row.children.length)) - number(grid, "aria-colcount"),
      stops: grid.querySelectorAll("[tabindex='0']").length,
    };
  });
  assert.deepEqual(table, { rows: 0, indices: true, heads: "columnheader,columnheader", wide: 0, stops: 1 });
  assert.deepEqual(await accessibilityProblems(view, ".tl-grid"), []);
  // A reader has no pointer: it clicks the element itself.
  const name = await rest.first().locator("[role=rowheader]").textContent();
  await rest.first().locator("[role=gridcell]").evaluate((cell) => cell.click());
  await until(view, (name) => document.querySelector(".lane.selected .lane-title").innerText === name, "its lane", name);
  await until(view, () => document.documentElement.dataset.tNs === "100000000", "its instant");
  assert.equal(await page.locator(".tl-grid [tabindex='0']").evaluate((it) => it.textContent), "nothing in this window");
  // From the edge of the window a key leads on to what the lane does next.
  await page.locator(".tl-grid [tabindex='0']").focus();
  await page.keyboard.press("ArrowRight");
  await until(view, () => Number(document.documentElement.dataset.tNs) > 1.8e8, "past the window");
  assert.deepEqual(view.problems, []);
});

test("panels and lists have short names, in which no button is", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  for (const [role, name] of [["region", /^Why\? oom_reaper$/], ["region", "Events"], ["listbox", "Events"], ["region", "Numbers"], ["group", "Numbers"]]) {
    await page.getByRole(role, { name, exact: true }).waitFor({ timeout: 5_000 });
  }
  assert.deepEqual(await accessibilityProblems(view, ".panels"), []);
});

test("what is played once more is told once more, and so is what a rerun came to", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  await page.keyboard.press("End");
  await until(view, () => /end of the run/.test(document.querySelector("p.hidden[role=status]").textContent), "at the end");
  await page.keyboard.press("Space");
  await until(view, () => /(is killed|attempt|cannot|refus)/.test(document.querySelector("p.hidden[role=status]").textContent), "told");
  await page.keyboard.press("Space");
  await page.getByLabel("Policy").first().selectOption("skip-any");
  await until(view, () => /^Run done: [\w-]+\. /.test(document.querySelector("p.hidden[role=status]").textContent), "its verdict");
  assert.deepEqual(view.problems, []);
});

test("steps by key are told in words", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  await view.page.keyboard.press(".");
  await view.page.waitForTimeout(200);
  const incident = await said(view);
  assert.match(incident, /ms: .*(refusal|back)/);
  await view.page.keyboard.press("Control+ArrowRight");
  await view.page.waitForTimeout(200);
  assert.notEqual(await said(view), incident);
});

test("less motion: playing steps from one thing worth seeing to the next", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  await view.page.keyboard.press("Space");
  await until(view, () => document.documentElement.dataset.tNs !== "3600000000", "the first step");
  const first = await time(view);
  await view.page.waitForTimeout(300);
  assert.equal(await time(view), first, "it rests");
  await until(view, (at) => Number(document.documentElement.dataset.tNs) > at, "the next step", first);
});

test("what the legend calls a sign finds it, and Esc leads out of the filter", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms");
  t.after(view.close);
  const { page } = view;
  await page.keyboard.press("/");
  await page.keyboard.type("callback refused");
  await page.getByText(/^10 of 23\s\d{3}$/).waitFor();
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator("#event-filter").inputValue(), "");
  assert.equal(await focused(), "event-filter");
  await page.keyboard.press("Escape");
  assert.notEqual(await focused(), "event-filter");
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
});

test("events are filtered by topic, task and cause", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  const tally = async () => {
    const text = await page.locator(".events .now").innerText();
    return Number(text.split(" of ")[0].replace(/\D/gu, ""));
  };
  const settled = () => until(view, () => / of /.test(document.querySelector(".events .now").innerText), "filtered");
  const all = await tally();
  await page.getByRole("button", { name: "filters" }).click();
  await page.getByLabel("About").selectOption({ label: "notifiers" });
  await settled();
  const notifiers = await tally();
  assert.ok(notifiers > 0 && notifiers < all / 10, `${notifiers} of ${all}`);
  await page.getByRole("button", { name: "reset" }).click();
  await page.getByLabel("How they stand to the current event").selectOption({ label: "beside it" });
  await settled();
  const beside = await tally();
  assert.ok(beside > 0 && beside < all, `${beside} of ${all}`);
  await page.getByLabel("By task").selectOption({ label: "gpu0" });
  await until(view, (n) => parseInt(document.querySelector(".events .now").innerText.replace(/\D/gu, ""), 10) !== n, "narrower", beside);
  assert.deepEqual(await accessibilityProblems(view), []);
  assert.deepEqual(view.problems, []);
});

test("a range has a critical path that leads to where time went", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  await page.keyboard.press("0");
  await page.keyboard.press("r");
  await page.getByRole("heading", { name: /^Where .* went/ }).waitFor();
  const causes = await page.locator(".causes li").allInnerTexts();
  assert.match(causes.join(" "), /back-offs/);
  const before = await time(view);
  await page.locator(".path button").first().click();
  await until(view, (at) => Number(document.documentElement.dataset.tNs) !== at, "it leads there", before);
  assert.deepEqual(await accessibilityProblems(view), []);
  assert.deepEqual(view.problems, []);
});

test("by keyboard alone: play, step, why, a hop, a filter, a note, share", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1000ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const { keyboard } = page;
  await keyboard.press("Space");
  await until(view, () => Number(document.documentElement.dataset.tNs) > 1e9, "it plays");
  await keyboard.press("Space");
  await keyboard.press(".");
  await keyboard.press("ArrowRight");
  /** Tabs until the focus is on something that fits. */
  const tabTo = async (name, fits) => {
    for (let n = 0; n < 120; n += 1) {
      if (await page.evaluate(fits)) return;
      await keyboard.press("Tab");
    }
    assert.fail(`the focus never came to ${name}`);
  };
  await tabTo("a hop", () => document.activeElement.matches(".chain button.link"));
  const shows = await page.evaluate(() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  assert.ok(shows, "the focus is visible");
  const hop = await page.evaluate(() => document.activeElement.innerText);
  await keyboard.press("Enter");
  await until(view, (name) => document.querySelector(".lane.selected")?.innerText.includes(name), "the hop", hop);
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("/");
  await keyboard.type("refuses");
  await until(view, () => / of /.test(document.querySelector(".events .now").innerText), "filtered");
  const before = await time(view);
  await keyboard.press("Enter");
  await until(view, (at) => Number(document.documentElement.dataset.tNs) !== at, "the next match", before);
  await page.evaluate(() => document.activeElement.blur());
  await keyboard.press("m");
  await keyboard.type("here");
  await until(view, () => location.hash.includes("note=") && location.hash.includes("here"), "noted");
  await page.evaluate(() => document.activeElement.blur());
  await tabTo("the button", () => document.activeElement.innerText === "Share");
  await keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  assert.match(await page.locator("dialog[open] input").first().inputValue(), /here/);
  assert.deepEqual(view.problems, []);
});

test("from the top of the page one key leads to the lanes, and Ctrl with Home and End to the table's corners", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { keyboard } = view.page;
  await keyboard.press("Tab");
  assert.equal(await view.page.evaluate(() => document.activeElement.innerText), "To the timeline");
  assert.deepEqual(await accessibilityProblems(view), []);
  await keyboard.press("Enter");
  await until(view, () => document.activeElement.matches(".tl-body"), "in the timeline");
  const inGrid = () => document.activeElement.matches("[role=gridcell]");
  for (let n = 0; n < 20 && !(await view.page.evaluate(inGrid)); n += 1) await keyboard.press("Tab");
  const rows = await view.page.locator(".tl-grid [role=row]").count();
  await keyboard.press("Control+End");
  await until(view, (rows) => {
    const row = document.activeElement.parentElement;
    return row.getAttribute("aria-rowindex") === String(rows) && row.lastElementChild === document.activeElement;
  }, "the last cell of the last lane", rows);
  await keyboard.press("Control+Home");
  await until(view, () => {
    const row = document.activeElement.parentElement;
    return row.getAttribute("aria-rowindex") === "2" && row.querySelector("[role=gridcell]") === document.activeElement;
  }, "the first cell of the first lane");
});

test("a filter that nothing matches says so, and how to have all events again", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  const { page } = view;
  await page.locator("#event-filter").fill("xyzzy");
  await page.getByText("No event matches.").waitFor();
  assert.deepEqual(await accessibilityProblems(view), []);
  await page.getByRole("button", { name: "Show all events" }).click();
  await page.locator(".events .row").first().waitFor();
  assert.equal(await page.locator("#event-filter").inputValue(), "");
  assert.equal(await page.getByText("No event matches.").count(), 0);
});

test("past the last incident a step says so where it is seen", async (t) => {
  const view = await openPage(BACK_OFF);
  t.after(view.close);
  await view.page.keyboard.press("End");
  await view.page.keyboard.press(".");
  await until(view, () => /no incident after this/.test(document.querySelector(".moment").innerText), "seen");
  assert.equal(await said(view), "no incident after this");
  await view.page.keyboard.press(",");
  await until(view, () => /event [\d\s]+ of/.test(document.querySelector(".moment").innerText), "back among them");
});

const LOOKS = [
  ["narrow", { viewport: { width: 320, height: 640 }, touch: true }],
  ["phone", { viewport: { width: 390, height: 844 }, touch: true, dark: true }],
  ["forced", { viewport: { width: 1280, height: 800 }, forcedColors: "active", dark: true }],
  ["contrast", { viewport: { width: 1280, height: 800 }, contrast: "more" }],
];

for (const [name, options] of LOOKS) {
  test(`a deadlock, to look at and accessible (${name})`, async (t) => {
    const view = await openPage("#/v1/run?scenario=d2-direct&seed=1&t=3200ms&focus=oom_reaper", {
      ...options,
      prepare: (page) =>
        page.emulateMedia({ forcedColors: options.forcedColors ?? "none", contrast: options.contrast ?? "no-preference" }),
    });
    t.after(view.close);
    const { page } = view;
    await page.getByRole("button", { name: "filters" }).click();
    await page.waitForTimeout(300);
    await screenshot(view, `deadlock-${name}`);
    assert.deepEqual(await accessibilityProblems(view), []);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(width <= options.viewport.width, `nothing sticks out to the side: ${width}`);
    if (name === "forced") {
      // The canvas is drawn on the system's own ground.
      const ground = await page.evaluate(() => {
        const canvas = document.querySelector(".lane-plot canvas");
        const { data } = canvas.getContext("2d").getImageData(2, canvas.height - 1, 1, 1);
        return [...data.slice(0, 3)];
      });
      assert.ok(ground.every((part) => part < 40), `dark ground: ${ground}`);
    }
    assert.deepEqual(view.problems, []);
  });
}

for (const dark of [false, true]) {
  test(`every dialog and every panel is accessible (${dark ? "dark" : "light"})`, async (t) => {
    const view = await openPage(BACK_OFF, { dark });
    t.after(view.close);
    const { page } = view;
    await page.keyboard.press("r");
    await page.keyboard.press("m");
    await page.locator(".note-text").waitFor();
    await page.locator("details summary").first().click();
    await page.getByRole("button", { name: "filters" }).click();
    assert.deepEqual(await accessibilityProblems(view), [], "panels");
    await page.evaluate(() => document.activeElement.blur());
    for (const [name, open] of [
      ["keys", () => page.keyboard.press("?")],
      ["commands", () => page.keyboard.press("F1")],
      ["share", () => page.getByRole("button", { name: "Share" }).click()],
      ["fork", () => page.keyboard.press("b")],
      ["import", () => page.getByRole("button", { name: "Import", exact: true }).click()],
      ["export", () => page.getByRole("button", { name: "Export", exact: true }).click()],
      ["story", () => page.getByRole("button", { name: "What happened?" }).click()],
    ]) {
      await open();
      await page.getByRole("dialog").waitFor();
      assert.deepEqual(await accessibilityProblems(view), [], name);
      await page.keyboard.press("Escape");
      await until(view, () => !document.querySelector("dialog[open]"), `${name} closes`);
      await page.evaluate(() => document.activeElement.blur());
    }
    assert.deepEqual(view.problems, []);
  });
}

test("a filter is called by name, shows in the lanes, and travels in the link", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const lanes = () => page.locator(".lane-plot canvas").nth(1).evaluate((canvas) => canvas.toDataURL());
  const tally = page.locator("#events-title [role=status]");
  const before = await lanes();
  const all = await tally.innerText();
  await page.keyboard.press("F1");
  await page.keyboard.type("filter that led to");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => / of /.test(document.querySelector("#events-title [role=status]").textContent));
  await page.waitForFunction(() => location.hash.includes("filter=before"));
  assert.notEqual(await lanes(), before);
  await page.getByLabel("About", { exact: true }).selectOption({ label: "reaper" });
  await page.waitForFunction(() => /filter=kind(:|%3A)reaping/.test(location.hash));
  const found = await tally.innerText();
  assert.deepEqual(await accessibilityProblems(view), []);
  const other = await openPage(await page.evaluate(() => location.hash));
  t.after(other.close);
  await other.page.waitForFunction(
    (found) => document.querySelector("#events-title [role=status]").innerText === found,
    found,
  );
  await screenshot(other, "filtered");
  await page.getByRole("button", { name: "reset", exact: true }).click();
  await page.waitForFunction((all) => document.querySelector("#events-title [role=status]").innerText === all, all);
  assert.equal(await lanes(), before);
  assert.deepEqual(view.problems, []);
});

test("from a fresh page to the answer, by keys alone: why it gave up, who held the lock, what another policy does, and send it", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const { page } = view;
  const call = async (name) => {
    await page.keyboard.press("F1");
    await page.waitForFunction(() => document.activeElement.id === "palette-query");
    await page.keyboard.type(name);
    await page.locator("#palette-list [role=option]").first().waitFor();
    await page.keyboard.press("Enter");
    await page.locator("#palette-list").waitFor({ state: "detached" });
  };
  // Why did the reaper give up? Three words and a glance at the panel.
  await call("go to gives up");
  await call("lane oom_reaper");
  await page.waitForFunction(() => Number(document.documentElement.dataset.tNs) > 4.29e9);
  // Who held it? One hop, by key.
  await page.keyboard.press("Home");
  await call("go to backs off attempt 3");
  await call("lane oom_reaper");
  const chain = await page.locator(".why .chain").innerText();
  assert.match(chain, /gpu0/);
  await page.keyboard.press("]");
  await page.waitForFunction(() => !/oom_reaper/.test(document.querySelector("#why-title .of").textContent));
  // What would another policy do?
  await page.keyboard.press("c");
  assert.equal(await page.evaluate(() => document.activeElement.id), "compare-with");
  await call("compare with block-always");
  await page.waitForFunction(() => document.documentElement.dataset.verdict.includes(","));
  await page.getByText(/^parts$/).first().waitFor();
  // Send it.
  await call("share this");
  await page.getByRole("dialog", { name: "Share" }).waitFor();
  const link = await page.locator("dialog[open] input").first().inputValue();
  assert.match(link, /policy=interval,block-always/);
  assert.deepEqual(view.problems, []);
});

test("a lock says who holds it and who waits for it, and leads to them", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=1&t=3200ms&focus=mirror_lock");
  t.after(view.close);
  const { page } = view;
  const why = page.getByRole("region", { name: /Why/ });
  await why.getByText("Waiting for it").waitFor();
  const users = (await why.locator(".lock-users").innerText()).replace(/\s+/g, " ");
  assert.match(users, /^Held by presser .* Waiting for it oom_reaper .* hog\/stuck /);
  assert.match(await why.locator(".chain").innerText(), /presser asks for a page/);
  assert.deepEqual(await accessibilityProblems(view), []);
  await why.locator(".lock-users").getByRole("button", { name: "hog/stuck" }).click();
  await why.getByText("hog/stuck waits for mirror_lock").first().waitFor();
  assert.deepEqual(view.problems, []);
});

test("an event of the list brings its lane, and Why is about who did it", async (t) => {
  const view = await openPage("#/v1/run?scenario=d2-direct&seed=1&t=3200ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const of = page.locator("#why-title .of");
  assert.equal(await of.innerText(), "oom_reaper");
  await page.locator(".events .row", { hasText: /presser begins direct reclaim/ }).first().click();
  await until(view, () => document.querySelector("#why-title .of").innerText === "presser", "its lane");
  await page.locator("#event-filter").fill("hog/stuck");
  await page.locator(".events .no-match, .events .now", { hasText: " of " }).waitFor();
  await page.locator("#event-filter").press("Shift+Enter");
  await until(view, () => document.querySelector("#why-title .of").innerText === "hog/stuck", "the match's");
  assert.deepEqual(view.problems, []);
});
