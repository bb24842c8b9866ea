"""Each kind of error has one exit code, in trainer and report."""

import pytest

from ctrlab_api.errors import FinalRunFailed, InvalidData, InvalidSpec, Problem, ServiceUnavailable
from ctrlab_api.exit_codes import exit_code_of
from ctrlab_api.names import ExitCode
from ctrlab_store import ObjectExists, ObjectNotFound, StoreUnavailable
from ctrlab_study import StudyUnavailable
from ctrlab_study.errors import StudyFailed
from ctrlab_trainer.finals.seal import SealError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidSpec([Problem("spec", "is wrong")]), ExitCode.BAD_SPEC_OR_DATA),
        (InvalidData.at("row 7", "is wrong"), ExitCode.BAD_SPEC_OR_DATA),
        (StudyFailed("SIN", "every trial failed"), ExitCode.BAD_SPEC_OR_DATA),
        (FinalRunFailed("seed 7"), ExitCode.RUN_FAILED),
        (SealError("a study is open"), ExitCode.RUN_FAILED),
        (StoreUnavailable("the bucket does not answer"), ExitCode.UNAVAILABLE),
        (ObjectNotFound("s3://bucket", "plan.json"), ExitCode.RETRY),
        (ObjectExists("s3://bucket", "plan.json"), ExitCode.RETRY),
        (StudyUnavailable("the database does not answer"), ExitCode.UNAVAILABLE),
        (ServiceUnavailable("the disk is full"), ExitCode.UNAVAILABLE),
        (ValueError("unexpected"), None),
    ],
)
def test_each_kind_of_error_has_one_exit_code(error: Exception, code: ExitCode | None) -> None:
    assert exit_code_of(error) == code
