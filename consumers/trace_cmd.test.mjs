// trace-cmd reads our trace.dat without a complaint, and reports what our ftrace text says.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { TRACE_CMD, reaperscope, scratch } from "./support.mjs";

const folder = scratch();

// Has the tracepoints that the runs of the gallery have not: a fork, reclaim that is throttled, and
// compaction that is tried again.
const OTHERS = path.join(folder, "others.toml");
writeFileSync(
  OTHERS,
  `schema = 1
title = "Others"
kernel = "6.1"
horizon = "20s"
[machine]
ram = "64MiB"
cpus = 2
swap = { size = "32MiB" }
page_cache = "16MiB"
[[task]]
name = "parent"
program = [{ mmap = "a", size = "20MiB" }, { touch = "a" }, { fork = "child" }, { idle = true }]
[[task]]
name = "child"
parent = "parent"
program = [{ touch = "a" }, { ready = true }, { idle = true }]
[[task]]
name = "hog"
start = { after = "child" }
program = [{ mmap = "b", size = "80MiB" }, { touch = "b" }, { idle = true }]
[[task]]
name = "driver"
start = { after = "child" }
program = [{ ioctl = [{ alloc = "GFP_KERNEL", order = 2, count = 3000, hold = true }] }, { exit = true }]
`,
);
const OF_OTHERS = /: (sched_process_fork|compact_retry|(?:sim:)?mm_vmscan_throttled): /g;

const RUNS = [
  ["gpu-fence-overlap"],
  ["capture-6-1-s6-smp"],
  ["g9-block-always-deadlock", "--kernel", "4.9"],
  ["seed-2-nofs-still-waits", "--kernel", "5.4"],
  ["capture-6-1-s6", "--kernel", "7.1"],
  [OTHERS, "--kernel", "5.4"],
  [OTHERS, "--kernel", "6.1"],
];

/** What `trace-cmd report` prints of a file; nothing may stand on its stderr. */
function report(file, ...options) {
  const made = spawnSync(TRACE_CMD, ["report", ...options, "-i", file], { maxBuffer: 1 << 30, encoding: "utf8" });
  assert.equal(made.stderr, "");
  assert.equal(made.status, 0);
  return made.stdout;
}

/** A run in three forms: our text, the file, trace-cmd's text of it. */
function recorded(args) {
  const file = path.join(folder, "run.dat");
  reaperscope("run", ...args, "--format", "trace-dat", "--out", file);
  return { file, text: reaperscope("run", ...args, "--format", "ftrace").toString() };
}

/** Lines of events by CPU, in words that both have. */
function events(text) {
  const cpus = {};
  for (const line of text.split("\n")) {
    const parts = line.match(/^ *(.+)-(\d+) +\[(\d+)\] (?:\S{5} )? *([\d.]+): +(\S+): *(.*?) *$/);
    if (!parts) {
      assert.match(line, /^(#.*|cpus=\d+|CPU \d+ is empty|)$/);
      continue;
    }
    const [, comm, pid, cpu, time, name, fields] = parts;
    // Reports have no systems, no widths, and pointers as they stand in the buffer.
    const plain = fields.replace(/mt_mod (0x|0+)/, "mt_mod ").replace(/zone=(\S+) +/, "zone=$1 ");
    (cpus[cpu] ??= []).push([comm, pid, time, name.replace(/^sim:/, "sim_"), plain].join("|"));
  }
  return cpus;
}

for (const args of RUNS) {
  test(`${args.map((arg) => path.basename(arg)).join(" ")}: trace-cmd reports the events of the text`, () => {
    const { file, text } = recorded(args);
    const [told, ours] = [events(report(file, "-N")), events(text)];
    assert.deepEqual(Object.keys(told), Object.keys(ours));
    assert.ok(Object.values(ours).flat().length > 100);
    if (args[0] === OTHERS) {
      const names = new Set([...text.matchAll(OF_OTHERS)].map(([, name]) => name));
      assert.equal(names.size, args[2] === "5.4" ? 3 : 2, [...names].join());
    }
    for (const cpu of Object.keys(ours)) assert.deepEqual(told[cpu], ours[cpu]);
    const inTimer = (lines, flags) => lines.split("\n").filter((line) => flags.test(line)).length;
    assert.equal(inTimer(report(file, "-N", "-l"), / \d+\.\.s\.\. /), inTimer(text, /\] \.\.s\.\. /));
    assert.match(report(file, "--uname"), /simulated by Reaperscope/);
  });
}

test("what trace-cmd reports is imported with the key events of the run", () => {
  const { file, text } = recorded(["capture-6-1-s6"]);
  const made = path.join(folder, "report.txt");
  const ours = path.join(folder, "ftrace.txt");
  writeFileSync(made, report(file));
  writeFileSync(ours, text);
  const imported = (name) => reaperscope("import", name).toString().replaceAll(name, "trace");
  const scenario = imported(made);
  assert.match(scenario, /\[\[task\]\]/);
  assert.equal(scenario, imported(ours));
});

test("the file itself is turned down by import, which names the way", () => {
  const { file } = recorded(["capture-6-1-s6"]);
  assert.throws(() => reaperscope("import", file), /trace-cmd report -i/);
});
