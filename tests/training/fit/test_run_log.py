"""The log is kept, and lost without harm."""

import errno
from pathlib import Path

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from fststyle.training.fit.run_log import RunLog


def test_numbers_and_pictures_are_kept(tmp_path: Path) -> None:
    log = RunLog(tmp_path)
    log.log_metrics({"cost": 0.5}, 3)
    log.log_picture("sheet", np.zeros((4, 5, 3), np.uint8), 3)
    log.finalize("success")
    kept = EventAccumulator(str(tmp_path / "tensorboard"))
    kept.Reload()
    assert [(event.step, event.value) for event in kept.Scalars("cost")] == [(3, 0.5)]
    assert [event.step for event in kept.Images("sheet")] == [3]


def test_a_full_disk_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = RunLog(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(log.experiment), "add_scalar", refuse)
    with pytest.warns(
        UserWarning, match="ends here .disk full: No space left on device.; the training goes on"
    ) as said:
        log.log_metrics({"cost": 0.5}, 0)
    log.log_metrics({"cost": 0.5}, 1)
    log.finalize("success")
    assert len(said) == 1


def test_what_is_no_number_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not supported"):
        RunLog(tmp_path).log_metrics({"cost": "much"}, 0)  # type: ignore[dict-item]
