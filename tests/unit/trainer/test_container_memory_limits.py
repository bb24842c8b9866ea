"""Total and free memory of a process are those of its container if the container has less than the machine."""

from pathlib import Path

import psutil
import pytest

from ctrlab_trainer.process import memory_limits

MACHINE = psutil.virtual_memory().total


class Cgroups:
    """A cgroup file system in a folder."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = folder / "cgroup"
        self.root.mkdir()
        self._process_cgroups = folder / "process"
        monkeypatch.setattr(memory_limits, "CGROUP_ROOT", self.root)
        monkeypatch.setattr(memory_limits, "PROCESS_CGROUPS", self._process_cgroups)

    def enter(self, *lines: str) -> None:
        self._process_cgroups.write_text("".join(f"{line}\n" for line in lines))

    def add(self, path: str, files: dict[str, str]) -> None:
        (self.root / path).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (self.root / path / name).write_text(f"{text}\n")


@pytest.fixture
def cgroups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cgroups:
    return Cgroups(tmp_path, monkeypatch)


def test_version_2_counts_page_cache_as_free(cgroups: Cgroups) -> None:
    cgroups.enter("0::/pod")
    stat = "anon 600\nfile 250\ninactive_file 100\nactive_file 150"
    cgroups.add("pod", {"memory.max": "1000", "memory.current": "900", "memory.stat": stat})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 1000 - (900 - 250)


def test_version_1_includes_descendant_groups(cgroups: Cgroups) -> None:
    cgroups.enter("5:devices:/", "4:memory:/pod", "0::/")
    stat = "inactive_file 0\nactive_file 0\ntotal_inactive_file 100\ntotal_active_file 150"
    files = {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "900", "memory.stat": stat}
    cgroups.add("memory/pod", files)
    cgroups.add("memory", files | {"memory.limit_in_bytes": "9223372036854771712"})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 350


def test_the_lowest_limit_of_all_ancestors_applies(cgroups: Cgroups) -> None:
    cgroups.enter("0::/pod/container")
    cgroups.add("pod", {"memory.max": "800", "memory.current": "700", "memory.stat": "anon 700"})
    cgroups.add("pod/container", {"memory.max": "1000", "memory.current": "100", "memory.stat": "anon 100"})
    assert memory_limits.total_bytes() == 800
    assert memory_limits.free_bytes() == 100


def test_a_group_mounted_as_the_root_is_read_although_its_path_is_absent(cgroups: Cgroups) -> None:
    cgroups.enter("4:memory:/docker/0123")
    cgroups.add("memory", {"memory.limit_in_bytes": "1000", "memory.usage_in_bytes": "10", "memory.stat": "cache 0"})
    assert memory_limits.total_bytes() == 1000
    assert memory_limits.free_bytes() == 990


@pytest.mark.parametrize("limit", ["max", "9223372036854771712"])
def test_without_a_limit_the_memory_of_the_machine_applies(cgroups: Cgroups, limit: str) -> None:
    cgroups.enter("0::/pod")
    cgroups.add("pod", {"memory.max": limit, "memory.current": "5", "memory.stat": "anon 5"})
    assert memory_limits.total_bytes() == MACHINE
    assert 2**20 < memory_limits.free_bytes() < MACHINE


def test_without_cgroups_the_memory_of_the_machine_applies(cgroups: Cgroups) -> None:
    assert memory_limits.total_bytes() == MACHINE
