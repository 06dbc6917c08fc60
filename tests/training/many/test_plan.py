"""The notes of rows, as programs and people leave them."""

import json
from pathlib import Path

import pytest

from fststyle.training.many.plan import Request, State, request_of
from fststyle.training.many.sheet import Row


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "3", "null", '"done"', "[" * 100_000),
        *(
            '{"status": 5}',
            '{"status": "over"}',
            '{"status": "done", "seconds": "3"}',
            '{"status": "done", "costs": []}',
        ),
        *('{"status": "done", "steps": "many"}', '{"status": "done", "judge": null}', '{"status": "done", "more": 1}'),
        *('{"costs": {"total_loss": "low"}}', '{"status": "failed", "error": 7}', '{"seconds": %s}' % ("9" * 400)),
    ],
)
def test_a_state_of_other_types_is_as_none(text: str, tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(text)
    assert State.read(tmp_path) == State()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("arguments", "--steps=3"), ("arguments", [1]), ("name", 3), ("folder", []), ("license", None)),
        *(("threads", "2"), ("threads", 0), ("threads", None), ("network", {})),
    ],
)
def test_a_request_of_other_types_is_as_none(name: str, value: object, tmp_path: Path) -> None:
    asked = request_of(Row(1, 2, "wave", "wave", {"style": "wave.jpg"}), tmp_path, {}, 1)
    facts = json.loads(asked.text())
    assert Request.of(facts) == asked
    assert Request.of(facts | {name: value}) is None
    assert Request.of([facts]) is None
