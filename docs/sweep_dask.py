#!/usr/bin/env python3
"""Spreads a sweep over the workers of a Dask cluster.

    sweep_dask.py [--workers N | --scheduler ADDRESS] [--shards N] --out DIR -- SCENARIO OPTIONS…

What stands after `--` goes to `reaperscope sweep`. Each shard is one task, which writes
DIR/shard-K-of-N.parquet; a task that is repeated, because its worker died, goes on where the
journal ends. With --workers, a scheduler and so many worker processes are started on this
machine, on the loopback; with --scheduler, an existing cluster is used (the workers must see DIR
and the program). At the end the shards are merged into DIR/sweep.parquet.

Needs `pip install distributed`.
"""

import argparse
import pathlib
import subprocess
import time

from distributed import Client, LocalCluster, as_completed


def shard(program, options, out, index, count):
    """Makes one shard; the file it wrote."""
    path = pathlib.Path(out) / f"shard-{index}-of-{count}.parquet"
    command = [program, "sweep", *options, "--shard", f"{index}/{count}", "--jobs", "1"]
    subprocess.run([*command, "--resume", "--out", str(path)], check=True, capture_output=True)
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=2)
    where.add_argument("--scheduler")
    parser.add_argument("--shards", type=int, default=16)
    parser.add_argument("--program", default="reaperscope")
    parser.add_argument("--out", required=True)
    parser.add_argument("options", nargs="+", help="SCENARIO and options of `sweep`")
    args = parser.parse_args()
    pathlib.Path(args.out).mkdir(parents=True, exist_ok=True)
    if args.scheduler:
        client = Client(args.scheduler)
    else:
        cluster = LocalCluster(
            n_workers=args.workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        )
        client = Client(cluster)
    start = time.monotonic()
    shards = [
        client.submit(shard, args.program, args.options, args.out, index, args.shards, pure=False)
        for index in range(args.shards)
    ]
    for done, future in enumerate(as_completed(shards), 1):
        future.result()
        print(f"{done} of {args.shards} shards, {time.monotonic() - start:.1f} s", flush=True)
    out = str(pathlib.Path(args.out) / "sweep.parquet")
    files = [future.result() for future in shards]
    subprocess.run([args.program, "merge", *files, "--out", out], check=True)
    client.close()
    if not args.scheduler:
        cluster.close()


if __name__ == "__main__":
    main()
