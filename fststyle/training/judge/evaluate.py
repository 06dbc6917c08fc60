"""Evaluation: networks of one painting, judged on the same photos by the same cost.

The scores are explained where they are computed: `objective.py` (costs), `equivalence.py` (iterations), `scores.py`
(grid, border), `flicker.py` (steadiness), `sizes.py` (larger photos). `report.py` shows them.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from fststyle.errors import DataError, ImageError
from fststyle.pictures.files import read_picture, resize_shorter_side
from fststyle.system.warn import warn
from fststyle.training.cost.objective import Cost, PerceptualObjective
from fststyle.training.data.crops import ValidationPhotos
from fststyle.training.judge.evaluation import Evaluation, ModelScores, Pixels, Settings, Speed
from fststyle.training.judge.flicker import ClipScores, judge_clip, read_frames
from fststyle.training.judge.model import Model
from fststyle.training.judge.sizes import SizeJudge, SizeScores, label_of
from fststyle.training.judge.speed import measure_speed
from fststyle.training.judge.squares import Progress, SquareJudge
from fststyle.training.tensors import reference_photos, unit_range

__all__ = ["Model", "evaluate"]


def evaluate(
    models: Sequence[Model],
    photos: Sequence[Path],
    painting: Path,
    *,
    cost: Cost | None = None,
    settings: Settings | None = None,
    progress: Progress = lambda *_: None,
) -> Evaluation:
    """Judge networks by what users get: the uint8 pictures that they make of the photos' middle squares.

    Args:
        models: Networks of one painting. They share the photos, their motion, and the optimizer's run.
        photos: Files; one that cannot be read is left out with a warning.
        painting: The painting's file.
        cost: What judges; training's own, by VGG-19, if not given.
        settings: What is measured.
        progress: Called as it goes.

    Raises:
        DataError: No photo could be read, or the clip cannot be.
        ImageError: The painting cannot be read.
        ModelFileError: A network fails.
        WeightsError: The loss network's weights are missing or do not fit.
        ValueError: For settings and layers that make no sense.
    """
    cost, settings = cost or Cost(loss_network="vgg19"), settings or Settings()
    if not models:
        raise ValueError("there is nothing to judge; give at least one network")
    if settings.clip is not None and not settings.clip.exists():
        raise DataError(f"{settings.clip} does not exist; check the path")
    original = read_picture(painting).rgb
    style = _at_size(original, painting, settings.style_size)
    progress("loading the loss network", 0, 1)
    judge = SquareJudge(
        PerceptualObjective(cost, unit_range(style), photos=reference_photos()), settings, models, progress
    )
    squares, skipped = _read_photos(photos, settings.size)
    for number, (name, square) in enumerate(squares):
        judge.judge(number, name, square, len(squares))
    sized, painting_sized = _judge_sizes(judge.objective, models, photos, original, skipped, settings, progress)
    clip = _judge_clip(models, settings, progress)
    speeds: list[Speed] = []
    if settings.speed_side:
        progress("measuring speed", 0, 1)
        speeds = measure_speed([(model.stylize, model.sides) for model in models], settings.speed_side)
    scores = [
        ModelScores(
            model.name,
            judge.scores[number],
            clip.stylized[number] if clip else None,
            speeds[number] if speeds else None,
            sized[number] if sized else [],
        )
        for number, model in enumerate(models)
    ]
    return Evaluation(
        cost=cost,
        settings=settings,
        painting=painting.name,
        painting_scores=judge.of_painting(style) | painting_sized,
        own=ModelScores("photos", judge.own, clip.own if clip else None),
        models=scores,
        chases=judge.chases,
        clip=clip,
        johnson_speed=speeds[-1] if speeds else None,
        skipped=skipped,
        painting_picture=style,
        pictures=judge.pictures,
    )


def _at_size(rgb: Pixels, painting: Path, style_size: int) -> Pixels:
    """The painting as it is judged; a smaller one is enlarged with a warning."""
    if min(rgb.shape[:2]) < style_size:
        warn(
            f"{painting} is enlarged from {min(rgb.shape[:2])} to {style_size} pixels and judged blurred; give a "
            "larger file, or a smaller style size"
        )
    return resize_shorter_side(rgb, style_size)


def _read_photos(photos: Iterable[Path], size: int) -> tuple[list[tuple[str, Pixels]], dict[str, str]]:
    """Middle squares by file name, and why others could not be read."""
    squares: list[tuple[str, Pixels]] = []
    skipped: dict[str, str] = {}
    for path in photos:
        try:
            square = ValidationPhotos([path], size)[0]
        except ImageError as error:
            warn(f"{error}; it is left out")
            skipped[path.name] = str(error)
        else:
            squares.append((path.name, square.permute(1, 2, 0).numpy()))
    if not squares:
        raise DataError("not one photo could be read; give a folder of pictures as --photos")
    return squares, skipped


def _judge_sizes(
    objective: PerceptualObjective,
    models: Sequence[Model],
    photos: Sequence[Path],
    painting: Pixels,
    skipped: Mapping[str, str],
    settings: Settings,
    progress: Progress,
) -> tuple[list[list[SizeScores]], dict[str, float]]:
    """By network, the scores at every size, and the painting's own. Networks of one size only have none."""
    free = [model for model in models if model.sides is None]
    if not settings.sizes or not free:
        return [], {}
    sizes = SizeJudge(objective.cost, objective.loss_network, painting, settings.style_size)
    readable = [path for path in photos if path.name not in skipped]
    found = iter(
        sizes.judge(
            [model.stylize for model in free],
            readable,
            settings.sizes,
            once=[model.once or model.stylize for model in free],
            advanced=lambda done, name: progress(f"judging {name} at its sizes", done, len(readable)),
        )
    )
    scores = [next(found) if model.sides is None else [] for model in models]
    judged = {size.label for each in scores for size in each}
    if missed := [side for side in settings.sizes if label_of(side) not in judged]:
        warn(
            f"no photo is large enough for {', '.join(map(str, missed))}: photos are never enlarged; give larger "
            "--photos"
        )
    if screens := sizes.too_small_for(scores):
        warn(
            f"large photos are not judged as seen at {', '.join(map(str, screens))} pixels: the painting's shorter "
            f"side has only {min(painting.shape[:2])}; give a larger scan as --style"
        )
    return scores, sizes.of_painting()


def _judge_clip(models: Sequence[Model], settings: Settings, progress: Progress) -> ClipScores | None:
    if settings.clip is None:
        return None
    frames = read_frames(settings.clip, limit=settings.clip_frames, max_side=settings.clip_side)
    return judge_clip(
        frames,
        [model.frame or model.stylize for model in models],
        advanced=lambda done: progress("judging the clip", done, settings.clip_frames),
    )
