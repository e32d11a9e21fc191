// What the book in docs/ has other programs do: their commands, and the Python programs, print what it
// says. `cli/tests/book.rs` says how a page is written, and runs what is `reaperscope`'s own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { PYTHON, REAPERSCOPE, ROOT, TRACE_CMD, scratch } from "./support.mjs";

/** Commands and Python programs of others in the book; `cli/tests/book.rs` counts the same. */
const OTHERS = 4;
const PROGRAMS = { python: PYTHON, "trace-cmd": TRACE_CMD, reaperscope: REAPERSCOPE };
const source = path.join(ROOT, "docs/src");
const folder = scratch();
let ran = 0;

/** What a program prints, stdout before stderr. */
async function printed(program, args, cwd) {
  const env = { ...process.env, PATH: `${path.dirname(REAPERSCOPE)}:${process.env.PATH}` };
  const options = { cwd, env, maxBuffer: 1 << 26 };
  const { stdout, stderr } = await promisify(execFile)(program, args, options).catch((failed) => failed);
  return stdout + stderr;
}

/** Whether a text is as expected: a line `…` stands for any lines, `…` inside one for any text. */
function isLike(text, expected) {
  const lines = expected.map((line, place) => {
    if (line === "…") return "(?:.*\n)*";
    const parts = line.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    return `${parts.join(".*")}${place < expected.length ? "\n" : ""}`;
  });
  return new RegExp(`^${lines.join("")}$`).test(text);
}

/** The fenced blocks of a page: kind, lines, and the file that it is to be saved as. */
function blocks(text) {
  const found = text.matchAll(/(?:<!-- file: (.+) -->\n)?^```(\w+)\n(.*?)^```$/gms);
  return [...found].map(([, file, kind, body]) => ({ file, kind, lines: body.split("\n").slice(0, -1) }));
}

/** A block's commands, each with what it is to print. */
function commands(lines) {
  const parts = [];
  for (const line of lines) {
    if (line.startsWith("$ ")) parts.push({ words: line.slice(2).split(" "), expected: [] });
    else parts.at(-1).expected.push(line);
  }
  return parts;
}

/** Runs a page from its top; what is not ours to check may be what later commands need. */
async function run(page, cwd) {
  const all = blocks(page);
  for (const [place, { file, kind, lines }] of all.entries()) {
    if (file) writeFileSync(path.join(cwd, file), `${lines.join("\n")}\n`);
    const check = (text, expected) => {
      ran += 1;
      assert.ok(isLike(text, expected), `${lines.join("\n")}\nprints\n${text}`);
    };
    if (kind === "python") {
      const text = await printed(PYTHON, ["-c", lines.join("\n")], cwd);
      check(`${text.trimEnd()}\n`, all[place + 1].lines);
    } else if (kind === "console") {
      for (const { words, expected } of commands(lines)) {
        const text = await printed(PROGRAMS[words[0]], words.slice(1), cwd);
        if (words[0] !== "reaperscope") check(text, expected);
      }
    }
  }
}

const isOthers = (text) => /^(```python$|\$ (?!reaperscope ))/m.test(text);
for (const name of readdirSync(source).filter((name) => name.endsWith(".md"))) {
  const page = readFileSync(path.join(source, name), "utf8");
  if (!isOthers(page)) continue;
  const cwd = path.join(folder, name);
  test(`${name}: other programs print what it says`, async () => {
    mkdirSync(cwd);
    copyFileSync(path.join(ROOT, "docs/sweep_dask.py"), path.join(cwd, "sweep_dask.py"));
    await run(page, cwd);
  });
}

test("shards on two worker processes come to what one process writes, byte for byte", () => {
  const read = (name) => readFileSync(path.join(folder, "sweeps.md", name));
  assert.ok(read("out/sweep.parquet").equals(read("sweep.parquet")));
});

test("all that the book has others do was done, and would be missed", () => {
  assert.equal(ran, OTHERS);
  assert.ok(isLike("a\nb 12 c\n", ["…", "b … c"]) && isLike("a\n", ["a", "…"]));
  assert.ok(!isLike("a\nb\n", ["a"]) && !isLike("a (1)\n", ["a (2)"]) && !isLike("", ["a"]));
});
