// The page loads at all: below a path, silently, in one go, and readable for everybody. Leaves
// out what it shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { accessibilityProblems, allowed, BASE_PATH, openPage, screenshot } from "./support.mjs";

const VIEWPORTS = [
  { name: "desktop", viewport: { width: 1280, height: 800 } },
  { name: "phone", viewport: { width: 320, height: 640 }, touch: true },
];

for (const { name, ...options } of VIEWPORTS) {
  for (const dark of [false, true]) {
    const look = `${name}, ${dark ? "dark" : "light"}`;
    test(`page loads silently and accessibly (${look})`, async (t) => {
      const view = await openPage("", { ...options, dark });
      t.after(view.close);
      await screenshot(view, `smoke-${name}-${dark ? "dark" : "light"}`);
      assert.deepEqual(await accessibilityProblems(view), []);
      assert.deepEqual(view.problems, []);
    });
  }
}

test("page asks its own folder only, and once it is ready for the rest of its program only", async (t) => {
  const view = await openPage();
  t.after(view.close);
  await view.page.mouse.wheel(0, 300);
  await view.page.waitForTimeout(1_000);
  assert.deepEqual(view.lateRequests(), []);
  for (const url of view.requests) {
    assert.ok(new URL(url).pathname.startsWith(BASE_PATH), url);
  }
});

test("page that misses its program says so and what to do", async (t) => {
  const prepare = (page) => page.route("**/*.wasm", (route) => route.abort());
  const view = await openPage("", { state: "error", prepare });
  t.after(view.close);
  assert.match(await view.page.innerText("[role=alert]"), /reloading/i);
  assert.deepEqual(await accessibilityProblems(view), []);
});

test("page forbids inline script, inline style and foreign hosts", async (t) => {
  const view = await openPage();
  t.after(view.close);
  assert.deepEqual(await allowed(view), []);
});
