"""Damaged configs: refused with the exit status of a wrong argument, or understood; never a crash."""

import contextlib
from pathlib import Path

import fuzzing
import pytest
import yaml
from case import Case, fault
from hypothesis import example, given
from hypothesis import strategies as st

from fststyle.errors import FststyleError
from fststyle.training.cli import parse

CONFIGS = Path(__file__).parents[2] / "configs"
WHOLE = (CONFIGS / "starry_night.yaml").read_text("utf-8")

INPUTS = fuzzing.INPUTS // 10
deep = fuzzing.deep(INPUTS)
places = st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 20), st.text(max_size=8))
plain = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-2, 2) | st.text(max_size=8)
values = plain | st.lists(plain, max_size=2) | st.dictionaries(st.text(max_size=5), plain, max_size=2)
settings_of_ours = st.sampled_from(
    ["model.network", "model.style_size", "model.cost", "model.cost.style_layers", "data.crop", "data", "trainer",
     "trainer.max_steps", "trainer.precision", "trainer.callbacks", "name", "minutes", "save_every", "no_such_thing",
     "style-weight", "size", "steps", "style_layers"]
)  # fmt: skip


def damaged(changes: list[tuple[int, int, str]]) -> str:
    text = WHOLE
    for start, length, new in changes:
        text = text[:start] + new + text[start + length :]
    return text


def nested(settings: dict[str, object]) -> str:
    """YAML of what `settings` says with dots."""
    config: dict[str, object] = {}
    for key, value in settings.items():
        *above, last = key.split(".")
        inner = config
        for name in above:
            entered = inner.setdefault(name, {})
            inner = entered if isinstance(entered, dict) else {}
        inner[last] = value
    return yaml.safe_dump(config)


def parsed(arguments: list[str]) -> object:
    """The status with which the parser ends the program, None if it does not."""
    try:
        parse(arguments)
    except SystemExit as stop:
        return stop.code
    return None


@pytest.mark.slow
@fault(Case("Fuzz", "damaged and random configs of `fststyle train`", "understood, or refused with exit 1 or 2"))
@pytest.mark.filterwarnings("ignore")
def test_configs(
    train_arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str],
    record_property: pytest.FixtureRequest,
) -> None:  # fmt: skip
    path = tmp_path / "config.yaml"

    @deep
    @example("trainer: null\n")
    @example("save_every: null\n")
    @given(
        st.builds(damaged, st.lists(places, min_size=1, max_size=3))
        | st.builds(nested, st.dictionaries(settings_of_ours, values, min_size=1, max_size=3))
    )
    def read(text: str) -> None:
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        # FststyleError and ValueError are shown in one line; the parser itself exits with 2.
        with contextlib.suppress(FststyleError, ValueError):
            assert parsed(["--config", str(path), *train_arguments, "--out", str(tmp_path / "run")]) in (None, 2)

    read()
    capsys.readouterr()
    record_property("found", f"{INPUTS} inputs")
