// The page out of the command line alone: `reaperscope serve`. Leaves out what the page shows, and the
// headers one by one, which the command's own tests look at.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { createInterface } from "node:readline";
import { browser, PROGRAM, readRun, waitForState } from "./support.mjs";

/** The program serving, and its address. */
async function serving(t) {
  const program = spawn(PROGRAM, ["serve", "--port", "0"], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => program.kill());
  const [url] = await once(createInterface({ input: program.stdout }), "line");
  return url;
}

test("the command line serves the page that is in it", async (t) => {
  const url = await serving(t);
  const context = await (await browser()).newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  const problems = [];
  page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("response", (response) => response.status() >= 400 && problems.push(response.url()));
  await page.goto(`${url}#/v1/run?scenario=capture-6-1-s6&seed=3`);
  await waitForState({ page, problems }, "ready");
  assert.match((await readRun({ page })).digest, /^[0-9a-f]{32}$/);
  await page.keyboard.press("F1");
  await page.getByRole("dialog").waitFor();
  assert.deepEqual(problems, []);

  const missing = await fetch(`${url}no-such-file.js`);
  assert.equal(missing.status, 404);
  const posted = await fetch(url, { method: "POST" });
  assert.equal(posted.status, 405);
});

test("two servers on one port: the second says what to do", async (t) => {
  const port = new URL(await serving(t)).port;
  const second = spawn(PROGRAM, ["serve", "--port", port], { stdio: ["ignore", "ignore", "pipe"] });
  let told = "";
  second.stderr.on("data", (chunk) => (told += chunk));
  const [code] = await once(second, "close");
  assert.equal(code, 2);
  assert.match(told, /^error: cannot listen on port \d+: .*choose another with --port/);
});
