// Shards are one table to DuckDB. What the book does with Dask, DuckDB and polars, `book.test.mjs` does.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { python, reaperscope, scratch } from "./support.mjs";

const folder = scratch();
const SWEEP = ["gpu-fence-overlap", "--seeds", "0..12", "--policy", "nonblock,interval"];
SWEEP.push("--set", "machine.cpus=1,2");

test("DuckDB reads shards as one table", async () => {
  for (const shard of [0, 1, 2]) {
    const out = path.join(folder, `shard-${shard}.parquet`);
    reaperscope("sweep", ...SWEEP, "--shard", `${shard}/3`, "--out", out);
  }
  reaperscope("sweep", ...SWEEP, "--out", path.join(folder, "sweep.parquet"));
  const query = "SELECT count(*), count(DISTINCT digest), min(run), max(run) FROM";
  const program = `import duckdb; print(duckdb.sql("${query} 'shard-*.parquet'").fetchall())`;
  const rows = await python(["-c", program], { cwd: folder });
  const program2 = `import duckdb; print(duckdb.sql("${query} 'sweep.parquet'").fetchall())`;
  assert.equal(rows, await python(["-c", program2], { cwd: folder }));
  assert.match(rows, /^\[\(48, \d+, 0, 47\)\]/);
});
