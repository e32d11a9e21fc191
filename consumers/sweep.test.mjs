// The recipes of docs/src/sweeps.md: shards over a Dask cluster, and questions in DuckDB and polars.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { python, reaperscope, REAPERSCOPE, ROOT, scratch } from "./support.mjs";

const folder = scratch();
const SWEEP = ["gpu-fence-overlap", "--seeds", "0..12", "--policy", "nonblock,interval"];
SWEEP.push("--set", "machine.cpus=1,2");
const whole = path.join(folder, "sweep.parquet");

test("a scheduler and two worker processes write what one process writes", async () => {
  reaperscope("sweep", ...SWEEP, "--out", whole);
  const out = path.join(folder, "dask");
  const script = path.join(ROOT, "docs/sweep_dask.py");
  const args = ["--workers", "2", "--shards", "5", "--program", REAPERSCOPE, "--out", out];
  const said = await python([script, ...args, "--", ...SWEEP]);
  assert.match(said, /5 of 5 shards/);
  const merged = readFileSync(path.join(out, "sweep.parquet"));
  assert.ok(merged.equals(readFileSync(whole)), "the same bytes");
});

test("the questions of the documentation have answers", async () => {
  const text = readFileSync(path.join(ROOT, "docs/src/sweeps.md"), "utf8");
  const programs = [...text.matchAll(/```python\n(.*?)```/gs)].map((match) => match[1]);
  assert.equal(programs.length, 2);
  const answers = [];
  for (const program of programs) answers.push(await python(["-c", program], { cwd: folder }));
  const [shares, pairs] = answers;
  // Wilson's interval of 24 of 24 is 0.862 to 1.
  for (const policy of ["nonblock", "interval"]) {
    assert.match(shares, new RegExp(`${policy}\\s*│\\s*24\\s*│\\s*1\\.0\\s*│\\s*0\\.862\\s*│\\s*1\\.0`));
  }
  assert.match(pairs, /shape: \(2, 4\)/);
});

test("DuckDB reads shards as one table", async () => {
  for (const shard of [0, 1, 2]) {
    const out = path.join(folder, `shard-${shard}.parquet`);
    reaperscope("sweep", ...SWEEP, "--shard", `${shard}/3`, "--out", out);
  }
  const query = "SELECT count(*), count(DISTINCT digest), min(run), max(run) FROM";
  const program = `import duckdb; print(duckdb.sql("${query} 'shard-*.parquet'").fetchall())`;
  const rows = await python(["-c", program], { cwd: folder });
  const program2 = `import duckdb; print(duckdb.sql("${query} 'sweep.parquet'").fetchall())`;
  assert.equal(rows, await python(["-c", program2], { cwd: folder }));
  assert.match(rows, /^\[\(48, \d+, 0, 47\)\]/);
});
