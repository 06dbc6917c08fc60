"""The container's files: small, without rights, and with what they copy."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def test_the_image_runs_without_rights() -> None:
    lines = (ROOT / "Dockerfile").read_text("utf-8").splitlines()
    users = [line.split()[1] for line in lines if line.startswith("USER ")]
    assert users
    assert all(user.isdecimal() and int(user) > 0 for user in users)
    assert 'ENTRYPOINT ["fststyle", "serve", "--host", "0.0.0.0"' in "\n".join(lines)


def test_what_is_copied_is_there_and_is_let_in() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    text = (ROOT / "Dockerfile").read_text("utf-8")
    copied = {name for line in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for name in line.split()}
    assert copied == let_in
    assert all((ROOT / name).exists() for name in copied)


def test_compose_asks_for_a_token_and_gives_no_rights() -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["fststyle"]
    assert service["environment"]["FSTSTYLE_TOKEN"].startswith("${FSTSTYLE_TOKEN:?")
    assert service["ports"] == ["127.0.0.1:8000:8000"]
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
