"""An evaluation in plain types, for programs."""

import dataclasses
import json
import math
import statistics
from typing import Any

from fststyle.training.judge.evaluation import Evaluation, ModelScores

_FORMAT = 1


def as_json(evaluation: Evaluation) -> dict[str, Any]:
    """Everything but the pictures, in plain types; nothing is infinite or NaN.

    Keys:
        format: 1; another number when a key changes its meaning.
        cost, settings: What was asked, as `Cost` and `Settings` have it.
        painting: {"name", "grid", "frame_style", "middle_style", "border", "rim_contrast"}.
        skipped: {file name: reason} of photos that could not be read.
        photos: The photos judged as if a network gave them back: {"name", "mean", "photos", "clip", "speed"}, where
            "mean" has the costs by name ("content_loss", "style_loss", "style_loss_relu1_2", …), "grid", "frame_style",
            "middle_style", "border", "rim_contrast", "flicker", and "photos" the same for each: {"photo", "costs",
            "grid", …, "reached"}; "reached" is null or {"iteration", "evaluations", "seconds", "best"}.
        models: For each network the same, "sizes" (a list of `SizeScores`), and "iterations": {"median", "least",
            "most", "reached", "of"}; a number that is more than the limit is null.
        chases: For each photo the optimizer's points: [{"iteration", "evaluations", "seconds", "best"}, …].
        clip: null or {"frames", "width", "height", "visible", "own", "stylized"}.
        johnson_speed: null or {"milliseconds", "height", "width", "per_megapixel"}, as a model's "speed".
    """
    plain = {
        "format": _FORMAT,
        "cost": dataclasses.asdict(evaluation.cost),
        "settings": dataclasses.asdict(evaluation.settings),
        "painting": {"name": evaluation.painting, **evaluation.painting_scores},
        "skipped": evaluation.skipped,
        "photos": _model_json(evaluation.own),
        "models": [
            _model_json(model) | ({"iterations": _iterations_json(model)} if evaluation.chases else {})
            for model in evaluation.models
        ],
        "chases": [[dataclasses.asdict(point) for point in points] for points in evaluation.chases],
        "clip": dataclasses.asdict(evaluation.clip) if evaluation.clip else None,
        "johnson_speed": _speed_json(evaluation.johnson_speed),
    }
    result: dict[str, Any] = json.loads(json.dumps(plain, default=str, allow_nan=False))
    return result


def _iterations_json(model: ModelScores) -> dict[str, float | None]:
    iterations = model.iterations()
    numbers = {"median": statistics.median(iterations), "least": min(iterations), "most": max(iterations)}
    finite = {name: number if math.isfinite(number) else None for name, number in numbers.items()}
    return finite | {"reached": sum(map(math.isfinite, iterations)), "of": len(iterations)}


def _model_json(model: ModelScores) -> dict[str, Any]:
    return dataclasses.asdict(model) | {"mean": model.mean(), "speed": _speed_json(model.speed)}


def _speed_json(speed: Any) -> dict[str, float] | None:
    return dataclasses.asdict(speed) | {"per_megapixel": speed.per_megapixel} if speed else None
