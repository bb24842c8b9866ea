"""Preparing 1, 5 and 20 million generated rows x 40 columns: rows per second and peak memory, beside FuxiCTR's.

Each program runs in a process of its own on the same files (a label, 13 numbers to standardise, 26 categorical
columns with values seen at least twice). Memory is the largest resident set of the process, mapped files included.
A size that takes more memory than MEMORY ends that program's row with what happened.

    python -P bench/prepare.py [--rows 1,5,20] [--fuxictr PYTHON] [--memory 12] [--folder /scratch]
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from bench.preparers.rows import write_rows  # noqa: E402


@dataclass(frozen=True)
class Run:
    """What one process took."""

    seconds: float | None
    """None where it failed."""
    cpu: float
    gibibytes: float
    said: str

    def line(self, name: str, rows: int) -> str:
        """A row of the table."""
        if self.seconds is None:
            return f"| {rows:,} | {name} | {self.said} | | {self.gibibytes:.2f} | |"
        rate = f"{rows / self.seconds:,.0f}"
        return f"| {rows:,} | {name} | {self.seconds:.1f} | {self.cpu:.1f} | {self.gibibytes:.2f} | {rate} |"


def run(python: str, script: str, folder: Path, target: Path, memory: float) -> Run:
    """One program on one folder of rows; it is stopped where its own memory passes `memory` GiB."""
    limit = int(memory * 2**30)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            [python, "-P", "-m", f"bench.preparers.{script}", str(folder), str(target)],
            stdout=out,
            stderr=err,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(target.parent),
                "CTRLAB_CACHE": str(target.parent / "cache"),
            },
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        lines, errors = out.read().split(), err.read().strip().splitlines() or ["no message"]
    done = process.returncode == 0
    return Run(
        seconds=float(lines[-1]) if done else None,
        cpu=usage.ru_utime + usage.ru_stime,
        gibibytes=usage.ru_maxrss / 2**20,
        said=f"failed ({process.returncode}): {errors[-1][:60]}",
    )


def main() -> None:
    """The table, a size at a time; what is generated is removed before the next size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default="1,5,20", help="millions, separated by commas")
    parser.add_argument("--fuxictr", help="a Python that has fuxictr")
    parser.add_argument("--memory", type=float, default=12, help="GiB that a program may take (default 12)")
    parser.add_argument("--folder", type=Path, help="where to put files, 0.75 GB a million rows (default: temporary)")
    given = parser.parse_args()
    print("| rows | program | s | CPU s | peak GiB | rows/s |\n|---|---|---|---|---|---|", flush=True)
    for rows in (round(float(millions) * 1e6) for millions in given.rows.split(",")):
        folder = Path(tempfile.mkdtemp(prefix="ctrlab-bench-", dir=given.folder))
        try:
            write_rows(folder / "rows", rows)
            for name, target in (("ctrlab", "store"), ("ctrlab, second run", "store")):
                found = run(sys.executable, "ctrlab_side", folder / "rows", folder / target, given.memory)
                print(found.line(name, rows), flush=True)
            shutil.rmtree(folder / "store", ignore_errors=True)
            if given.fuxictr:
                found = run(given.fuxictr, "fuxictr_side", folder / "rows", folder / "fuxictr", given.memory)
                print(found.line("FuxiCTR", rows), flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
