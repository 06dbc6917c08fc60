"""The README is short, and its links lead somewhere."""

import re

from documents import ROOT

README = (ROOT / "README.md").read_text("utf-8")


def test_a_stranger_reads_it_in_two_minutes() -> None:
    assert len(README.encode()) <= 6 * 1024


def test_every_picture_and_link_exists() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert targets
    assert [target for target in targets if not target.startswith("http") and not (ROOT / target).exists()] == []
