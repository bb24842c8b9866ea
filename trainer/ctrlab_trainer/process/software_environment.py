"""The software environment of a run: interpreter, packages, numeric libraries, and variables that change results."""

import os
import platform
from functools import cache
from importlib.metadata import distributions

import torch
from threadpoolctl import threadpool_info

from ctrlab_api.names import Variable
from ctrlab_api.records import EnvironmentRecord

VARIABLES = (
    Variable.DEVICE,
    Variable.THREADS,
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_VISIBLE_DEVICES",
    "MKL_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
)
"""Recorded if set; the rest of the environment may contain secrets and is never recorded."""


def environment_record() -> EnvironmentRecord:
    """Return the record of this process."""
    return EnvironmentRecord(
        python=platform.python_version(),
        platform=platform.platform(),
        packages=_packages(),
        threads=torch.get_num_threads(),
        blas=_blas(),
        variables={name: os.environ[name] for name in VARIABLES if name in os.environ},
    )


@cache
def _packages() -> dict[str, str]:
    versions = {distribution.metadata["Name"]: distribution.version for distribution in distributions()}
    return dict(sorted(versions.items(), key=lambda item: item[0].lower()))


def _blas() -> str:
    """Return the library that torch multiplies matrices with, and the BLAS libraries loaded in the process."""
    loaded = {f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info() if pool["user_api"] == "blas"}
    with_mkl = ["mkl (torch)"] if "BLAS_INFO=mkl" in torch.__config__.show() else []
    return ", ".join([*with_mkl, *sorted(loaded)]) or "none detected"
