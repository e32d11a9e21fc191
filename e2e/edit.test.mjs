// Forks and the editor, as a visitor uses them: a run that goes on in two ways and a link that
// carries both; a scenario changed in the form or the text, by hand or by keys alone; drafts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessibilityProblems, openPage, pressAbove, readRun, screenshot, waitForState } from "./support.mjs";

/** Waits until the digest of the page is another one than `before`, and the run is there. */
async function otherDigest(view, before) {
  await view.page.waitForFunction(
    (old) =>
      document.documentElement.dataset.state === "ready" &&
      document.documentElement.dataset.digest !== old,
    before,
    { timeout: 20_000 },
  );
  return (await readRun(view)).digest;
}

/** The page's address once it holds what was asked for. */
async function settledHash(view, part) {
  await view.page.waitForFunction(
    (wanted) => location.hash.includes(wanted) && location.hash.includes("digest="),
    part,
    { timeout: 10_000 },
  );
  return view.page.evaluate(() => location.hash);
}

test("fork by keys alone makes a second run, and the link reproduces both", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const first = (await readRun(view)).digest;
  const { keyboard } = view.page;
  await keyboard.press("Home");
  await keyboard.press(".");
  await keyboard.press("b");
  await view.page.getByRole("dialog", { name: "Fork the run" }).waitFor();
  const focused = await view.page.evaluate(() => document.activeElement.id);
  assert.equal(focused, "fork-policy");
  await keyboard.type("block");
  await keyboard.press("Tab");
  await keyboard.press("Enter");
  const digests = (await otherDigest(view, first)).split(",");
  assert.equal(digests.length, 2);
  assert.equal(digests[0], first, "the run itself is as it was");
  assert.notEqual(digests[1], first);
  const list = view.page.getByRole("list", { name: /forks/i });
  assert.equal(await list.getByRole("listitem").count(), 2);
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "fork");
  const hash = await settledHash(view, "fork=");

  const other = await openPage(hash);
  t.after(other.close);
  const run = await readRun(other);
  assert.equal(run.digest, digests.join(","));
  assert.equal(run.linkCheck, "reproduced");

  // Undone and done again, then removed.
  await view.page.keyboard.press("Control+z");
  assert.equal(await otherDigest(view, digests.join(",")), first);
  await view.page.keyboard.press("Control+Shift+z");
  assert.equal(await otherDigest(view, first), digests.join(","));
  await view.page.getByRole("button", { name: "Remove fork 1" }).click();
  assert.equal(await otherDigest(view, digests.join(",")), first);
  assert.deepEqual(view.problems, []);
});

test("fork of a fork hangs below it", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&fork=0~4000ms:reseed=1&fork=1~4300ms:kill=hog");
  t.after(view.close);
  const { digest } = await readRun(view);
  assert.equal(digest.split(",").length, 3);
  const rows = view.page.getByRole("list", { name: /forks/i }).getByRole("listitem");
  assert.match(await rows.nth(2).getAttribute("class"), /depth-2/);
  await view.page.getByRole("button", { name: "Look at it: fork 1" }).click();
  const after = await otherDigest(view, digest);
  assert.deepEqual(after.split(","), digest.split(",").slice(1));
});

test("a process is killed, a wait ended and a wait made longer from the dialog, and the link has all three", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=3600ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const dialog = page.getByRole("dialog", { name: "Fork the run" });
  let digest = (await readRun(view)).digest;
  const fork = async (id, option, before = async () => {}) => {
    await page.keyboard.press("b");
    await dialog.waitFor();
    const label = await page.locator(`#${id} option`, { hasText: option }).first().innerText();
    await page.locator(`#${id}`).selectOption({ label });
    await before();
    await page.locator(`form:has(#${id})`).getByRole("button", { name: "Fork" }).click();
    digest = await otherDigest(view, digest);
  };
  await fork("fork-kill", /^presser:/);
  await fork("fork-end", /^oom_reaper:/);
  await fork("fork-delay", /^gpu0:/, async () => {
    await page.locator("#fork-by").fill("soon");
    await page.locator("form:has(#fork-by)").getByRole("button", { name: "Fork" }).click();
    await dialog.getByRole("alert").getByText(/How much longer\?/).waitFor();
    assert.equal(await page.locator("#fork-by").inputValue(), "soon", "what is wrong can be mended");
    await page.locator("#fork-by").fill("1s");
  });
  const runs = digest.split(",");
  assert.equal(new Set(runs).size, 4, "each is a run of its own");
  const names = await page.getByRole("list", { name: /forks/i }).locator(".fork-name").allInnerTexts();
  assert.deepEqual(names.length, 4, names.join());
  const hash = decodeURIComponent(await settledHash(view, "fork="));
  for (const part of [/kill=presser/, /end=oom_reaper/, /delay=gpu0\+1s/]) assert.match(hash, part);
  await page.getByRole("button", { name: "Look at it: fork 1" }).click();
  assert.equal((await otherDigest(view, digest)).split(",")[0], runs[1]);
  assert.deepEqual(view.problems, []);
});

test("a compared policy becomes the run that is looked at, with Why and numbers of its own, and Back", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&policy=interval,block-always&t=3600ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  const { digest } = await readRun(view);
  await page.getByText(/waits for the back-off/).first().waitFor();
  await settledHash(view, "policy=interval,block-always");
  await page.getByRole("button", { name: "Look at it: block-always" }).click();
  assert.deepEqual((await otherDigest(view, digest)).split(","), digest.split(",").reverse());
  await page.locator("#why-title .now", { hasText: /^blocked/ }).waitFor();
  assert.equal((await readRun(view)).tNs, "3600000000");
  await page.getByRole("region", { name: "Compared with interval" }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), "lanes");
  await settledHash(view, "policy=block-always,interval");
  assert.deepEqual(await accessibilityProblems(view), []);
  await page.goBack();
  await page.waitForFunction((old) => document.documentElement.dataset.digest === old, digest);
  assert.deepEqual(view.problems, []);
});

test("only who lives can be killed, and the first of a list is chosen", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=4900ms&focus=oom_reaper");
  t.after(view.close);
  const { page } = view;
  await page.keyboard.press("b");
  await page.getByRole("dialog", { name: "Fork the run" }).waitFor();
  const names = await page.locator("#fork-kill option").allInnerTexts();
  assert.ok(!names.some((name) => name.startsWith("presser")), names.join());
  // Its process was killed, and a driver does not let go of it.
  assert.ok(!names.some((name) => name.startsWith("hog/stuck")), names.join());
  for (const id of ["fork-policy", "fork-end", "fork-delay"]) {
    const chosen = await page.locator(`#${id}`).evaluate((list) => ({
      index: list.selectedIndex,
      first: [...list.options].findIndex((option) => !option.disabled),
    }));
    assert.equal(chosen.index, chosen.first, id);
  }
});

test("a fork that cannot be made leaves the run as it is", async (t) => {
  const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1000ms");
  t.after(view.close);
  const { digest } = await readRun(view);
  await view.page.evaluate(() => {
    location.hash = "#/v1/run?scenario=gpu-fence-overlap&seed=1&t=1000ms&fork=0~4900ms:kill=presser";
  });
  await view.page.getByRole("alert").getByText(/stays as it is.*does not live/).waitFor();
  await waitForState(view, "ready");
  assert.equal((await readRun(view)).digest, digest);
  await view.page.getByRole("button", { name: "What happened?" }).waitFor();
  assert.equal(await view.page.getByRole("list", { name: /forks/i }).count(), 0);
});

test("a fork that cannot be made is explained", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  await view.page.evaluate(() => {
    location.hash = "#/v1/run?scenario=gpu-fence-overlap&fork=0~4000ms:kill=nobody";
  });
  await waitForState(view, "error").catch(() => {});
  await view.page.getByText(/no task `nobody`/).waitFor();
});

async function openEditor(options) {
  const view = await openPage("", options);
  await pressAbove(view.page, "Edit");
  await view.page.getByRole("region", { name: "Scenario" }).waitFor();
  return view;
}

test("a number in the form changes the text at its place, and the run", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const first = (await readRun(view)).digest;
  const text = view.page.getByLabel("Scenario as TOML");
  const before = await text.inputValue();
  const cpus = view.page.locator("#form-machine-ram");
  const old = await cpus.inputValue();
  await cpus.fill(String(Number(old) * 2));
  const digest = await otherDigest(view, first);
  assert.match(digest, /^[0-9a-f]{32}$/);
  const lines = (await text.inputValue()).split("\n");
  const changed = lines.filter((line, index) => line !== before.split("\n")[index]);
  assert.equal(changed.length, 1, changed.join("\n"));
  assert.match(changed[0], new RegExp(`^ram = "${Number(old) * 2}`));
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "editor");
  const hash = await settledHash(view, "z=");
  const other = await openPage(hash);
  t.after(other.close);
  const run = await readRun(other);
  assert.deepEqual([run.digest, run.linkCheck], [digest, "reproduced"]);
  assert.deepEqual(view.problems, []);
});

test("what is wrong with the text is said at its line, and put right the form follows", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const first = (await readRun(view)).digest;
  const text = view.page.getByLabel("Scenario as TOML");
  const before = await text.inputValue();
  const number = before.split("\n").findIndex((line) => line.startsWith("ram =")) + 1;
  assert.ok(number > 0);
  await text.fill(before.replace(/^ram = .*$/m, 'ram = "256 parsec"'));
  const line = view.page.locator(".code .line").nth(number - 1);
  await line.getByText(/not a size/).waitFor();
  const place = view.page.getByRole("button", { name: `line ${number}, column 7` });
  await place.click();
  assert.equal(await view.page.evaluate(() => document.activeElement.id), "editor-text");
  assert.equal((await readRun(view)).digest, first, "the run on screen stays");
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "editor-error");
  await text.fill(before.replace(/^ram = .*$/m, 'ram = "512MiB"'));
  await otherDigest(view, first);
  assert.equal(await view.page.locator("#form-machine-ram").inputValue(), "512");
  await text.fill(before);
  assert.notEqual(await otherDigest(view, (await readRun(view)).digest), "");
  assert.equal((await readRun(view)).digest, first);
});

test("a field with a wrong value says so to who hears it, as to who sees it", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const field = view.page.locator("#form-machine-cpus");
  const told = () =>
    field.evaluate((it) => it.getAttribute("aria-describedby").split(" ").map((id) => document.getElementById(id)?.innerText));
  assert.equal((await told()).length, 1);
  await field.fill("zero");
  await view.page.locator("#form-machine-cpus[aria-invalid=true]").waitFor();
  const [meaning, problem] = await told();
  assert.match(meaning, /^CPUs/);
  assert.match(problem, /whole number from 1 to 64/);
  assert.deepEqual(view.problems, []);
});

test("a text that is no TOML at one place leaves the form usable, and says so there", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const { page } = view;
  const first = (await readRun(view)).digest;
  const text = page.getByLabel("Scenario as TOML");
  const before = await text.inputValue();
  const form = page.getByRole("group", { name: "Scenario as a form" });
  for (const [line, broken] of [[/^ram = .*$/m, "ram = 256 MiB"], [/^ram = .*$/m, "ram"]]) {
    await text.fill(before.replace(line, broken));
    await form.getByText(/expected|invalid|missing/i).first().waitFor();
    assert.equal(await page.locator("#form-title").isEnabled(), true, broken);
    const group = form.locator("details").filter({ has: page.locator("#form-machine-cpus") });
    assert.match(await group.locator("summary").innerText(), /problem/, broken);
    await page.locator("#form-title").fill("mine");
    const now = await text.inputValue();
    assert.equal(now, before.replace(line, broken).replace(/^title = .*$/m, 'title = "mine"'), broken);
  }
  assert.deepEqual(await accessibilityProblems(view), []);
  await screenshot(view, "editor-no-toml");
  assert.equal((await readRun(view)).digest, first, "the run on screen stays");
  // What is in an open bracket nobody knows; all other parts go on.
  await text.fill(before.replace("[machine]", "[machine"));
  assert.equal(await page.locator("#form-title").isEnabled(), true);
  const open = before.replace(/^(program = \[)[^]*?^\]$/m, "$1");
  assert.notEqual(open, before);
  await text.fill(open);
  const line = before.split("\n").indexOf("program = [") + 1;
  await form.getByText(`The bracket in line ${line}, column 11 is never closed`).waitFor();
  assert.equal(await page.locator("#form-task-0-name").isEnabled(), false);
  await page.locator("#form-title").fill("mine");
  assert.equal(await text.inputValue(), open.replace(/^title = .*$/m, 'title = "mine"'));
  await form.getByRole("button", { name: `Go to line ${line}` }).click();
  const at = await text.evaluate((area) => [document.activeElement === area, area.value.slice(area.selectionStart - 10, area.selectionEnd)]);
  assert.deepEqual(at, [true, "program = ["]);
  assert.deepEqual(view.problems, []);
});

test("a table can be typed into a field of the form letter by letter", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const { page } = view;
  const text = page.getByLabel("Scenario as TOML");
  await text.fill((await text.inputValue()).replace(/^fence = .*$/m, 'fence = "{"'));
  const id = "form-device-0-fence";
  await page.locator(`#${id}`).focus();
  await page.keyboard.press("End");
  await page.keyboard.type(' exponential = { mean = "4ms" }');
  const focused = await page.evaluate(() => [document.activeElement.id, document.activeElement.value]);
  assert.deepEqual(focused, [id, '{ exponential = { mean = "4ms" }']);
  await page.keyboard.type(" }");
  assert.match(await text.inputValue(), /^fence = \{ exponential = \{ mean = "4ms" \} \}$/m);
  await page.locator(`select#${id}`).waitFor();
  assert.deepEqual(view.problems, []);
});

test("drafts outlive a reload, can be renamed and deleted, and are sent nowhere", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const text = view.page.getByLabel("Scenario as TOML");
  const mine = `# mine\n${await text.inputValue()}`;
  await text.fill(mine);
  const name = view.page.getByLabel(/^Name of the draft/);
  await name.fill("my own");
  await name.press("Enter");
  await view.page.goto(`${view.page.url().split("#")[0]}?again`);
  await waitForState(view, "ready");
  await pressAbove(view.page, "Edit");
  await view.page.getByRole("button", { name: "Open the draft my own" }).click();
  assert.equal(await view.page.getByLabel("Scenario as TOML").inputValue(), mine);
  await view.page.getByText(/nothing leaves your machine/i).waitFor();
  await view.page.getByRole("button", { name: "Delete the draft my own" }).click();
  assert.equal(await view.page.getByLabel(/^Name of the draft/).count(), 0);
  const stored = await view.page.evaluate(() => localStorage.getItem("reaperscope-drafts"));
  assert.equal(stored, "");
});

test("what was removed in the form comes back by key, in the text as well, and after the editor was closed", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const { page } = view;
  const text = page.getByLabel("Scenario as TOML");
  const before = await text.inputValue();
  const digest = (await readRun(view)).digest;
  const undo = page.getByRole("button", { name: "Undo the last change" });
  const redo = page.getByRole("button", { name: "Redo the change" });
  assert.equal(await undo.getAttribute("aria-disabled"), "true");
  await page.getByRole("button", { name: "Remove task presser" }).click();
  const less = await text.inputValue();
  assert.ok(less.length < before.length);
  // The button that had the focus is gone, and the key is for the editor all the same.
  await page.keyboard.press("Control+z");
  assert.equal(await text.inputValue(), before);
  await page.keyboard.press("Control+Shift+z");
  assert.equal(await text.inputValue(), less);
  await undo.click();
  assert.equal(await text.inputValue(), before);
  await redo.click();
  assert.equal(await text.inputValue(), less);
  await page.locator("#form-machine-cpus").focus();
  await page.keyboard.press("Control+z");
  assert.equal(await text.inputValue(), before);
  await page.keyboard.press("Control+Shift+z");
  assert.equal(await text.inputValue(), less);

  // Letters typed in the text are undone by words, and the caret goes where they were.
  await text.focus();
  await page.keyboard.press("Control+Home");
  await page.keyboard.type("# two words\n");
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  assert.equal(await text.inputValue(), `# two${less}`);
  assert.equal(await text.evaluate((area) => area.selectionStart), 5);
  await page.getByRole("button", { name: "Close the editor" }).click();
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  assert.equal(await text.inputValue(), `# two${less}`);
  for (let left = 2; left > 0; left -= 1) await undo.click();
  assert.equal(await text.inputValue(), less);
  await undo.click();
  assert.equal(await text.inputValue(), before);
  assert.equal(await undo.getAttribute("aria-disabled"), "true");
  assert.equal(await page.getByLabel(/^Name of the draft/).count(), 1, "all of it is one draft");
  await view.page.waitForFunction((was) => document.documentElement.dataset.digest === was, digest);
  assert.deepEqual(await accessibilityProblems(view), []);
  assert.deepEqual(view.problems, []);
});

test("a draft goes on after a reload, two tabs keep one each, and what cannot be kept is told", async (t) => {
  const view = await openEditor();
  t.after(view.close);
  const { page } = view;
  const field = (of) => of.getByLabel("Scenario as TOML");
  const names = (of) => of.getByLabel(/^Name of the draft/).evaluateAll((all) => all.map((it) => it.value));
  const type = async (of, letters) => {
    await field(of).focus();
    await of.keyboard.press("Control+Home");
    await of.keyboard.type(letters);
  };
  await type(page, "# one");
  assert.equal((await names(page)).length, 1);
  const [title] = await names(page);
  await page.waitForFunction(() => location.hash.includes("z=") && location.hash.includes("digest="));
  await page.reload();
  await waitForState(view, "ready");
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const old = await page.evaluate(() => location.hash);
  await type(page, "#");
  assert.deepEqual(await names(page), [title], "the same draft, not one more");
  await page.waitForFunction((hash) => location.hash !== hash && location.hash.includes("digest="), old);

  const other = await page.context().newPage();
  await other.goto(page.url());
  await other.waitForSelector('html[data-state="ready"]');
  await other.getByRole("button", { name: "Edit", exact: true }).click();
  await field(other).waitFor();
  const common = await field(other).inputValue();
  assert.equal(common, await field(page).inputValue());
  await type(other, "# there");
  await page.getByLabel(/^Name of the draft/).nth(0).waitFor();
  await type(page, "# here");
  assert.deepEqual((await names(page)).sort(), [title, `${title} 2`]);
  const kept = await page.evaluate(() => localStorage.getItem("reaperscope-drafts"));
  assert.ok(kept.includes(`# there${common}`));
  assert.ok(kept.includes(`# here${common}`));

  await page.evaluate(() => {
    Storage.prototype.setItem = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
  });
  await type(page, "!");
  await page.getByRole("alert").filter({ hasText: "keeps no more drafts" }).waitFor();
  assert.equal((await field(page).inputValue()).startsWith("!"), true);
  assert.deepEqual(view.problems, []);
});

test("the editor works by keyboard alone, from nothing", async (t) => {
  const view = await openPage("");
  t.after(view.close);
  const first = (await readRun(view)).digest;
  const { keyboard } = view.page;
  await keyboard.press("F1");
  await keyboard.type("edit the");
  await keyboard.press("Enter");
  await view.page.getByRole("region", { name: "Scenario" }).waitFor();
  await view.page.locator("#editor-start").focus();
  await keyboard.type("nothing");
  const digest = await otherDigest(view, first);
  const { tNs } = await readRun(view);
  assert.ok(Number(tNs) < 175e6, `it is seen from its start, not from ${tNs}`);
  // The form's first number, by a key, as fast as it is typed.
  await view.page.locator("#form-machine-cpus").focus();
  await keyboard.press("Control+a");
  await keyboard.type("2");
  await otherDigest(view, digest);
  assert.match(await view.page.getByLabel("Scenario as TOML").inputValue(), /^cpus = 2$/m);
  assert.deepEqual(view.problems, []);
});

for (const [name, options] of [
  ["narrow", { viewport: { width: 390, height: 844 } }],
  ["dark", { dark: true }],
]) {
  test(`editor and forks look right: ${name}`, async (t) => {
    const view = await openPage("#/v1/run?scenario=gpu-fence-overlap&fork=0~4000ms:policy=block-always", options);
    t.after(view.close);
    await screenshot(view, `fork-${name}`);
    await pressAbove(view.page, "Edit");
    await view.page.getByLabel("Scenario as TOML").waitFor();
    const wide = await view.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(wide <= 0, `${wide} px too wide`);
    await screenshot(view, `editor-${name}`);
    assert.deepEqual(await accessibilityProblems(view), []);
  });
}

test("a step of a driver changes places by key, and the picture and the run follow", async (t) => {
  const view = await openPage("#/v1/run?scenario=recovery-worker-allocates&seed=1");
  t.after(view.close);
  const { page } = view;
  await page.getByRole("button", { name: "Edit", exact: true }).click();
  const text = page.getByLabel("Scenario as TOML");
  await text.waitFor();
  const before = await text.inputValue();
  const movers = page.locator('.editor-form button[id^="move-down-"]:not([aria-disabled="true"])');
  const first = await movers.first().getAttribute("id");
  await movers.first().focus();
  await page.keyboard.press("Enter");
  await page.waitForFunction((old) => document.querySelector("#editor-text").value !== old, before);
  const swapped = await text.inputValue();
  // The same pieces in another order, and the hand stays on what it moved.
  assert.deepEqual([...swapped].sort(), [...before].sort());
  const focused = await page.evaluate(() => document.activeElement.id);
  assert.match(focused, /^move-down-/);
  assert.notEqual(focused, first);
  await page.locator(`#${focused.replace("down", "up")}`).click();
  assert.equal(await text.inputValue(), before);
  assert.deepEqual(view.problems, []);
});
