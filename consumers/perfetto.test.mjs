// Perfetto reads both of our traces, without a complaint, and sees in them what the run says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openTrace } from "./perfetto.mjs";
import { perfettoFolder, reaperscope } from "./support.mjs";

const WEB_DIST = perfettoFolder();
const SCENARIOS = ["gpu-fence-overlap", "g9-block-always-deadlock", "capture-6-1-s6-smp"];

async function opened(id, format) {
  const bytes = reaperscope("run", id, "--format", format);
  const run = JSON.parse(reaperscope("run", id, "--format", "json"));
  return { trace: await openTrace(WEB_DIST, bytes), run, bytes };
}

/** Everything that Perfetto counts as an error or as data lost. */
async function complaints(trace) {
  return trace.query("SELECT name, value FROM stats WHERE severity != 'info' AND value > 0");
}

for (const id of SCENARIOS) {
  test(`${id}: Chrome's JSON opens cleanly`, async () => {
    const { trace, run, bytes } = await opened(id, "chrome");
    assert.deepEqual(await complaints(trace), []);
    const [{ n: slices }] = await trace.query("SELECT count(*) AS n FROM slice");
    assert.ok(slices > 10, `${slices} slices`);
    // One deep: a state is inside no other state, only instants are.
    const [{ n: deep }] = await trace.query(
      "SELECT count(*) AS n FROM slice WHERE category = 'state' AND depth > 0",
    );
    assert.equal(deep, 0);
    const [{ n: open }] = await trace.query("SELECT count(*) AS n FROM slice WHERE dur < 0");
    assert.equal(open, 0, "every slice ends");
    const [{ n: backOffs }] = await trace.query(
      "SELECT count(*) AS n FROM slice WHERE category = 'state' AND name GLOB 'back-off *'",
    );
    assert.equal(backOffs, run.metrics.backoffs);
    // Arrows arrive: as many as begin, each on a slice at both ends.
    const begun = JSON.parse(bytes).traceEvents.filter((event) => event.ph === "s").length;
    const [{ n: flows }] = await trace.query("SELECT count(DISTINCT trace_id) AS n FROM flow");
    assert.ok(begun > 0 && flows === begun, `${flows} of ${begun} arrows`);
  });

  test(`${id}: ftrace text is read as the kernel's`, async () => {
    const { trace, bytes } = await opened(id, "ftrace");
    assert.deepEqual(await complaints(trace), []);
    const rows = await trace.query("SELECT str_value AS v FROM metadata WHERE name = 'trace_type'");
    assert.equal(rows[0].v, "systrace");
    const seen = new Set((await trace.query("SELECT tid FROM thread")).map((row) => row.tid));
    const text = bytes.toString("utf8");
    const printed = new Set([...text.matchAll(/^ *\S.*?-(\d+) +\[\d+\]/gm)].map((m) => Number(m[1])));
    assert.ok(printed.size > 2);
    for (const tid of printed) assert.ok(seen.has(tid), `thread ${tid}`);
    // Of text its importer keeps what it draws, not the lines themselves: the table ftrace_event
    // is filled from its own binary traces alone. It draws who is on which CPU, and how each
    // thread spends its time.
    const onCpu = await trace.query(
      "SELECT t.tid AS tid, count(*) AS n FROM sched JOIN thread t USING(utid) WHERE t.tid > 0 GROUP BY 1",
    );
    const switches = [...text.matchAll(/ sched_switch: .* ==> .*next_pid=(\d+) /g)];
    assert.ok(switches.length > 10, `${switches.length} switches`);
    const expected = {};
    for (const [, pid] of switches) if (pid !== "0") expected[pid] = (expected[pid] ?? 0) + 1;
    assert.deepEqual(Object.fromEntries(onCpu.map((row) => [row.tid, row.n])), expected);
    const states = await trace.query(
      "SELECT DISTINCT state FROM thread_state JOIN thread USING(utid) WHERE name = 'oom_reaper'",
    );
    const letters = states.map((row) => row.state);
    for (const state of ["Running", "S"]) assert.ok(letters.includes(state), `${letters}`);
  });
}

test("what is no trace is turned down", async () => {
  await assert.rejects(openTrace(WEB_DIST, Buffer.from("hello, world")), /does not read the trace/);
});
