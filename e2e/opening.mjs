// Has the page under DIST, which has no such run yet, simulate what it opens on, and writes the run
// to OUT as its worker sends it. The build hands that to visitors, so that their first view needs
// no simulator (xtask/src/parts.rs).
import { writeFile } from "node:fs/promises";
import { openPage, stop } from "./support.mjs";

/** Notes what workers answer to the first question. */
function listen() {
  const runs = (globalThis.runs = []);
  globalThis.Worker = class extends Worker {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", ({ data: [turn, tag, bytes] }) => {
        if (tag === "done" && turn === 1) runs.push(Array.from(bytes));
      });
    }
  };
}

setTimeout(() => {
  console.error("The browser showed the first run too late: more than two minutes.");
  process.exit(1);
}, 120_000).unref();

const { page } = await openPage("", { prepare: (page) => page.addInitScript(listen) });
const runs = await page.evaluate(() => globalThis.runs);
if (runs.length !== 1) throw new Error(`${runs.length} runs instead of the one that the page opens on`);
await writeFile(process.env.OUT, Buffer.from(runs[0]));
await stop();
// A connection that the browser left open must not keep the build waiting.
process.exit(0);
