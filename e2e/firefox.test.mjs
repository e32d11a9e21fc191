// A smoke in Firefox, over WebDriver BiDi, which it speaks by itself: the page loads, opens links,
// and comes to the digests of the committed table. Leaves out everything that Chromium tests.
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import WebSocket from "ws";
import { BASE_PATH, DIST, serve } from "./support.mjs";

const TABLE = new URL("../sim-core/tests/digests.txt", import.meta.url);
const SCENARIOS = ["gpu-fence-overlap", "capture-6-1-s6", "g9-block-always-deadlock"];

/** A Firefox that starts; `cargo xtask test` has found one and set FIREFOX. */
function firefoxPath() {
  const names = [process.env.FIREFOX, "firefox-esr", "firefox"].filter(Boolean);
  return names.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** A headless Firefox with a profile of its own: `command(method, params)`, `errors`, `close()`. */
async function firefox(program) {
  const profile = await mkdtemp(path.join(tmpdir(), "reaperscope-firefox-"));
  const browser = spawn(
    program,
    ["--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0"],
    { env: { ...process.env, MOZ_HEADLESS: "1", HOME: profile } },
  );
  const ended = new Promise((done) => browser.once("exit", done));
  const address = await new Promise((found, failed) => {
    let said = "";
    browser.stderr.on("data", (text) => {
      said += text;
      const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) ?? [];
      if (address) found(address);
    });
    ended.then(() => failed(new Error(`Firefox ended: ${said}`)));
  });
  const socket = new WebSocket(`${address}/session`);
  await new Promise((done, failed) => socket.once("open", done).once("error", failed));
  const waiting = new Map();
  const errors = [];
  socket.on("message", (text) => {
    const message = JSON.parse(text);
    if (message.method === "log.entryAdded" && message.params.level === "error") {
      errors.push(message.params.text);
    }
    waiting.get(message.id)?.(message);
  });
  let last = 0;
  const command = async (method, params = {}) => {
    const id = (last += 1);
    const answer = new Promise((done) => waiting.set(id, done));
    socket.send(JSON.stringify({ id, method, params }));
    const { error, message, result } = await answer;
    if (error) throw new Error(`${method}: ${message}`);
    return result;
  };
  const close = async () => {
    socket.terminate();
    browser.kill();
    await ended;
    await rm(profile, { recursive: true, force: true });
  };
  return { command, errors, close };
}

const program = firefoxPath();
const skip = !program && !process.env.CI && "there is no Firefox here";

test("Firefox opens links and reproduces their digests", { skip, timeout: 170_000 }, async (t) => {
  assert.ok(program, "there is no Firefox: set FIREFOX, or run `cargo xtask test`");
  const rows = (await readFile(TABLE, "utf8")).split("\n").map((line) => line.split(" "));
  const server = await serve(DIST, BASE_PATH);
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { command, errors, close } = await firefox(program);
  t.after(close);
  await command("session.new", { capabilities: {} });
  await command("session.subscribe", { events: ["log.entryAdded"] });
  const { contexts } = await command("browsingContext.getTree");
  const [{ context }] = contexts;
  const evaluate = async (expression) => {
    const target = { context };
    const asked = { expression, target, awaitPromise: true, serializationOptions: { maxObjectDepth: 3 } };
    const answer = await command("script.evaluate", asked);
    assert.equal(answer.type, "success", JSON.stringify(answer.exceptionDetails?.text));
    return answer.result.value;
  };
  const url = `http://127.0.0.1:${server.address().port}${BASE_PATH}`;
  for (const scenario of SCENARIOS) {
    const [, seed, digest] = rows.find((row) => row[0] === scenario && row[1] === "2");
    const link = `#/v1/run?scenario=${scenario}&seed=${seed}&digest=${digest}`;
    // A page of its own each time: an address that differs in its fragment only loads nothing.
    await command("browsingContext.navigate", { context, url: "about:blank", wait: "complete" });
    await command("browsingContext.navigate", { context, url: url + link, wait: "complete" });
    const run = await evaluate(`new Promise((done) => {
      const { dataset } = document.documentElement;
      const look = () => /ready|error/.test(dataset.state)
        ? done([dataset.state, dataset.digest, dataset.linkCheck].join(" "))
        : setTimeout(look, 50);
      look();
    })`);
    assert.equal(run, `ready ${digest} reproduced`, `${scenario}: ${errors.join("\n")}`);
    const pixels = await evaluate(`[...document.querySelectorAll("canvas")].filter((canvas) =>
      canvas.width > 0 && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height)
        .data.some((value) => value > 0)).length`);
    assert.ok(pixels >= 2, "the timeline is drawn");
  }
  assert.deepEqual(errors, []);
});
