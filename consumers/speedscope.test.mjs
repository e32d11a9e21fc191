// speedscope imports Chrome's JSON: its own importer, in a browser, as `npx speedscope FILE` has it.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { HERE, pageAfterAWhile, reaperscope, scratch } from "./support.mjs";

const RELEASE = path.join(HERE, "node_modules/speedscope/dist/release/index.html");
const folder = scratch();

/** The page once it has loaded these bytes, as the program of the same name hands them over. */
async function imported(name, bytes) {
  const script = path.join(folder, `${name}.js`);
  const base64 = Buffer.from(bytes).toString("base64");
  writeFileSync(script, `speedscope.loadFileFromBase64(${JSON.stringify(name)}, "${base64}")`);
  return pageAfterAWhile(`${pathToFileURL(RELEASE)}#localProfilePath=${script}`);
}

test("every thread, device and lock that has slices is a profile", async () => {
  const bytes = reaperscope("run", "gpu-fence-overlap", "--format", "chrome");
  const events = JSON.parse(bytes).traceEvents;
  const tracks = new Set(events.filter((e) => e.ph === "B").map((e) => `${e.pid}:${e.tid}`));
  const page = await imported("run.json", bytes);
  assert.match(page, /<title>run\.json - speedscope<\/title>/);
  const [, at, of] = page.match(/\((\d+)\/(\d+)\)/) ?? [];
  assert.equal(Number(at), 1);
  assert.equal(Number(of), tracks.size);
  for (const name of ["oom_reaper (pid", "hog (pid", "presser (pid"]) {
    assert.ok(page.includes(name), name);
  }
});
