"""Measure the preparation of 1, 5 and 20 million generated rows x 40 columns with ctrlab and FuxiCTR.

The table shows rows per second and peak memory. Each program runs in a separate process on the same files (a label,
13 numbers to standardize, 26 categorical columns with `minFrequency` 2). Memory is the maximum resident set of the
process, including mapped files. For a program that needs more than `--memory`, the table shows the error.

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
from bench.preparers.generated_rows import write_rows  # noqa: E402


@dataclass(frozen=True)
class Run:
    """Time and memory of one process."""

    seconds: float | None
    """None if it failed."""
    cpu: float
    gibibytes: float
    error: str

    def line(self, name: str, rows: int) -> str:
        """Format a row of the table."""
        if self.seconds is None:
            return f"| {rows:,} | {name} | {self.error} | | {self.gibibytes:.2f} | |"
        rate = f"{rows / self.seconds:,.0f}"
        return f"| {rows:,} | {name} | {self.seconds:.1f} | {self.cpu:.1f} | {self.gibibytes:.2f} | {rate} |"


def run(python: str, script: str, folder: Path, target: Path, memory: float) -> Run:
    """Run one program on one folder of rows; it fails if its memory exceeds `memory` GiB."""
    limit = int(memory * 2**30)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        process = subprocess.Popen(
            [python, "-P", "-m", f"bench.preparers.{script}", str(folder), str(target)],
            stdout=out,
            stderr=err,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
                "TMPDIR": str(target.parent),
                "CTRLAB_CACHE": str(target.parent / "cache"),
            },
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        lines, errors = out.read().split(), err.read().strip().splitlines() or ["no message"]
    succeeded = process.returncode == 0
    return Run(
        seconds=float(lines[-1]) if succeeded else None,
        cpu=usage.ru_utime + usage.ru_stime,
        gibibytes=usage.ru_maxrss / 2**20,
        error=f"failed ({process.returncode}): {errors[-1][:60]}",
    )


def main() -> None:
    """Print the table, one size at a time; generated files are removed before the next size."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", default="1,5,20", help="millions, separated by commas")
    parser.add_argument("--fuxictr", help="Python interpreter with fuxictr installed")
    parser.add_argument("--memory", type=float, default=12, help="memory limit of a program in GiB (default 12)")
    parser.add_argument("--folder", type=Path, help="folder for files, 0.75 GB per million rows (default: temporary)")
    args = parser.parse_args()
    print("| rows | program | s | CPU s | peak GiB | rows/s |\n|---|---|---|---|---|---|", flush=True)
    for rows in (round(float(millions) * 1e6) for millions in args.rows.split(",")):
        folder = Path(tempfile.mkdtemp(prefix="ctrlab-bench-", dir=args.folder))
        try:
            write_rows(folder / "rows", rows)
            for name, target in (("ctrlab", "store"), ("ctrlab, second run", "store")):
                result = run(sys.executable, "prepare_with_ctrlab", folder / "rows", folder / target, args.memory)
                print(result.line(name, rows), flush=True)
            shutil.rmtree(folder / "store", ignore_errors=True)
            if args.fuxictr:
                result = run(args.fuxictr, "prepare_with_fuxictr", folder / "rows", folder / "fuxictr", args.memory)
                print(result.line("FuxiCTR", rows), flush=True)
        finally:
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
