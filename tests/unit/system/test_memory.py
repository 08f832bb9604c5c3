"""Pages of a mapped file are released without loss of data."""

from __future__ import annotations

import mmap
import platform
import sys
from pathlib import Path

import pytest

from livedance_lab.system.memory import limit_malloc_retention, release_mapped_file

CONTENT = bytes(range(256)) * 4096  # 1 MiB
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells what is mapped")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a model with spaces, müde.task"
    path.write_bytes(CONTENT)
    return path


def resident_kb(path: Path) -> int:
    """Resident size of all mappings of a file."""
    total, ours = 0, False
    for line in Path("/proc/self/smaps").read_text(encoding="utf-8").splitlines():
        if "-" in line.split()[0]:
            ours = line.endswith(str(path))
        elif ours and line.startswith("Rss:"):
            total += int(line.split()[1])
    return total


@linux
def test_pages_are_given_back_and_read_again(file):
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ) as mapped:
        assert mapped[:] == CONTENT
        assert resident_kb(file) > 0
        assert release_mapped_file(file) == len(CONTENT)
        assert resident_kb(file) == 0
        assert mapped[:] == CONTENT


@linux
def test_a_link_to_the_file_is_the_file(file, tmp_path):
    link = tmp_path / "link.task"
    link.symlink_to(file)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, prot=mmap.PROT_READ):
        assert release_mapped_file(link) == len(CONTENT)


@linux
def test_what_was_written_is_kept(file):
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        mapped[:4] = b"mine"
        assert release_mapped_file(file) == 0
        assert mapped[:4] == b"mine"


def test_a_file_that_is_not_mapped_is_no_matter(file):
    assert release_mapped_file(file) == release_mapped_file(file / "none") == 0


def test_asking_for_freed_memory_says_whether_it_can_be_had():
    assert limit_malloc_retention() is (platform.libc_ver()[0] == "glibc")
