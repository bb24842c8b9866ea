"""A training process keeps the memory of arrays that it frees and reuses."""

import resource
import subprocess
import sys

import pytest

SCRIPT = """
import resource, sys
import numpy as np
from ctrlab_trainer.process.allocator import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
arrays = [np.ones(2**21) for _ in range(4)]
del arrays
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    arrays = [np.ones(2**21) for _ in range(4)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
PAGES = 10 * 4 * 2**21 * 8 // resource.getpagesize()


def page_faults(mode: str) -> int:
    process = subprocess.run([sys.executable, "-c", SCRIPT, mode], capture_output=True, text=True, check=True)
    return int(process.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="applies to the C library of Linux")
def test_arrays_of_the_same_size_are_not_mapped_again() -> None:
    assert page_faults("keep") < PAGES / 100
