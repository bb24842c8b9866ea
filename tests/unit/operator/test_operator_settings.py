"""Settings from environment variables: defaults, and one clear message for every invalid one."""

import pytest

from ctrlab_operator.__main__ import main
from ctrlab_operator.operator_settings import MigrationSettings, OperatorSettings, variable_name


@pytest.fixture(autouse=True)
def images(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the required variables and no other setting."""
    for field in (*OperatorSettings.model_fields, *MigrationSettings.model_fields):
        monkeypatch.delenv(variable_name(field), raising=False)
    monkeypatch.setenv("CTRLAB_TRAINER_IMAGE", "trainer:1")
    monkeypatch.setenv("CTRLAB_OPERATOR_IMAGE", "operator:1")


def test_unset_and_empty_variables_have_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_DEFAULT_REGION", "")
    settings = OperatorSettings.from_environment()
    assert (settings.port, settings.reconcile_workers, settings.poll_seconds) == (8080, 4, 15.0)
    assert settings.namespaces == ()
    assert settings.pod_name
    assert settings.storage_defaults.region is None


def test_namespaces_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTRLAB_NAMESPACES", "team-b, team-a,")
    assert OperatorSettings.from_environment().namespaces == ("team-a", "team-b")


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("CTRLAB_PORT", "abc", "CTRLAB_PORT: expected a whole number, not 'abc'"),
        ("CTRLAB_PORT", "70000", "CTRLAB_PORT: input should be less than or equal to 65535, not '70000'"),
        ("CTRLAB_POLL_SECONDS", "often", "CTRLAB_POLL_SECONDS: input should be a valid number"),
        ("CTRLAB_RECONCILE_WORKERS", "0", "CTRLAB_RECONCILE_WORKERS: input should be greater than or equal to 1"),
        ("CTRLAB_IMAGE_PULL_POLICY", "Sometimes", "CTRLAB_IMAGE_PULL_POLICY: expected 'Always', 'IfNotPresent' or"),
        ("CTRLAB_LOG_LEVEL", "LOUD", "CTRLAB_LOG_LEVEL: expected 'DEBUG', 'INFO'"),
        ("CTRLAB_TRAINER_IMAGE", "", "CTRLAB_TRAINER_IMAGE: required, but missing"),
    ],
)
def test_an_invalid_variable_is_one_line_and_exit_code_2(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SystemExit) as ended:
        main(["run"])
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {message}")


def test_the_migration_needs_a_database(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["migrate"])
    assert ended.value.code == 2
    assert capsys.readouterr().err == "error: CTRLAB_DATABASE_URL: required, but missing\n"
