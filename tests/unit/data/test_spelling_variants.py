"""Values in several spellings are reported; different values are not."""

import pyarrow as pa
import pytest

from ctrlab_trainer.data.data_quality.spelling_variants import spelling_variants, spelling_warnings


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["3", "3.0", "4"], (1, ("3", "3.0"))),
        (["3", "3.0", "03", "4"], (2, ("03", "3.0"))),
        (["007", "7"], (1, ("007", "7"))),
        (["-1", "-1.00"], (1, ("-1", "-1.00"))),
        (["a", " a"], (1, (" a", "a"))),
        (["True", "true", "x"], (1, ("True", "true"))),
        (["0", "00", "1"], (1, ("0", "00"))),
        (["3", "3.5", "30", "33"], None),
        (["a", "A"], None),
        (["1", "-1", "+2"], None),
        (["v1.0", "v1"], None),
        ([], None),
    ],
)
def test_spellings_of_one_value_are_counted(values: list[str], expected: tuple[int, tuple[str, str]] | None) -> None:
    assert spelling_variants(pa.array(values, pa.string())) == expected


def test_the_warning_names_both_spellings() -> None:
    [warning] = spelling_warnings("feature item", pa.array(["3", "3.0"]))
    assert warning.startswith("feature item: 1 value is written in more than one way, such as '3' and '3.0'")
