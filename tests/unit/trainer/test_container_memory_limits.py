"""What a process may use, and what of it is free, is that of its container where the machine has more."""

from pathlib import Path

import psutil
import pytest

from ctrlab_trainer.process import memory_limits

MACHINE = psutil.virtual_memory().total


class Groups:
    """Control groups in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = folder / "cgroup"
        self.root.mkdir()
        self._own = folder / "own"
        monkeypatch.setattr(memory_limits, "CGROUP_ROOT", self.root)
        monkeypatch.setattr(memory_limits, "PROCESS_CGROUPS", self._own)

    def enter(self, *lines: str) -> None:
        self._own.write_text("".join(f"{line}\n" for line in lines))

    def make(self, path: str, files: dict[str, str]) -> None:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.root / path / name).write_text(f"{text}\n")


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    return Groups(tmp_path, monkeypatch)


def test_version_2_counts_pages_of_files_as_free(groups: Groups) -> None:
    groups.enter("0::/pod")
    stat = "anon 600\nfile 250\ninactive_file 100\nactive_file 150"
    groups.make("pod", {"memory.max": "1000", "memory.current": "900", "memory.stat": stat})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 1000 - (900 - 250)


def test_version_1_counts_the_groups_within(groups: Groups) -> None:
    groups.enter("5:devices:/", "4:memory:/pod", "0::/")
    stat = "inactive_file 0\nactive_file 0\ntotal_inactive_file 100\ntotal_active_file 150"
    files = {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "900", "memory.stat": stat}
    groups.make("memory/pod", files)
    groups.make("memory", files | {"memory.limit_in_bytes": "9223372036854771712"})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 350


def test_the_tightest_group_above_the_process_counts(groups: Groups) -> None:
    groups.enter("0::/pod/container")
    groups.make("pod", {"memory.max": "800", "memory.current": "700", "memory.stat": "anon 700"})
    groups.make("pod/container", {"memory.max": "1000", "memory.current": "100", "memory.stat": "anon 100"})
    assert memory_limits.total_bytes() == 800
    assert memory_limits.free_bytes() == 100


def test_a_group_shown_as_the_root_is_found_under_a_path_that_is_absent(groups: Groups) -> None:
    groups.enter("4:memory:/docker/0123")
    groups.make("memory", {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "10", "memory.stat": "cache 0"})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 990


@pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
def test_without_a_limit_the_machine_counts(groups: Groups, limit: str) -> None:
    groups.enter("0::/pod")
    groups.make("pod", {"memory.max": limit, "memory.current": "5", "memory.stat": "anon 5"})
    assert memory_limits.total_bytes() == MACHINE
    assert 2**20 < memory_limits.free_bytes() < MACHINE


def test_where_there_are_no_groups_the_machine_counts(groups: Groups) -> None:
    assert memory_limits.total_bytes() == MACHINE
