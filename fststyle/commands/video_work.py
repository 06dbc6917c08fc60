"""What `fststyle video` does behind its options: which network is meant, and painting on a cluster."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict

from fststyle.commands.painting import silent_stdout
from fststyle.system.warn import warn

if TYPE_CHECKING:
    from fststyle.paint.blend import Blend
    from fststyle.paint.controls import Controls
    from fststyle.paint.frames import Steadiness
    from fststyle.paint.morph import Morph
    from fststyle.paint.stylizer import Opening, Stylizer
    from fststyle.video.clip import Clip
    from fststyle.video.job import Done, Job
    from fststyle.video.run import Progress


def fingerprint(painter: "Stylizer | Blend") -> str:
    """Of all that the network, or the mixture of several, consists of."""
    first, *others = painter.parts
    digest = hashlib.sha256(first[0].network.model.data)
    for part, weight in others:
        digest.update(part.network.model.data + repr(weight).encode())
    return digest.hexdigest()


class Told(TypedDict):
    """Who hears of a run."""

    begun: "Callable[[Clip, int], None]"
    painted: "Callable[[Progress], None]"
    stop: Callable[[], bool]


def warn_of_late_styles(morph: "Morph | None", last: float | None) -> None:
    """Warn of a style that a morph would reach after the last frame, which is shown at `last` seconds."""
    late = None if morph is None else morph.unreached(last)
    if late is not None:
        warn(f"the video ends at {last or 0:.4g} s, before the morph reaches {late}")


def video_on_ray(
    job: "Job",
    painter: "Stylizer | Blend",
    device: str,
    opening: "Opening",
    controls: "Controls",
    steadiness: "Steadiness",
    morph: "Morph | None",
    workers: int | None,
    told: Told,
) -> "Done":
    """Share the work between the workers of a cluster."""
    from fststyle.cluster.frames import FrameRecipe
    from fststyle.cluster.painter import Recipe
    from fststyle.cluster.video import convert_on_ray
    from fststyle.jobs.run import Settings

    # The workers start in other folders.
    source, target = (
        name if name == "-" or "://" in name else os.path.abspath(name)  # noqa: PTH100 -- links stay as they are
        for name in (job.source, job.target)
    )
    job = replace(job, source=source, target=target)
    models = [part.network.model for part, _ in painter.parts]
    recipe = Recipe(
        tuple(model.data for model in models),
        tuple(model.where for model in models),
        tuple(weight for _, weight in painter.parts),
        device,
        opening,
        Settings(controls=controls),
    )
    with silent_stdout():
        return convert_on_ray(
            FrameRecipe(job, recipe, steadiness, morph), workers=workers, threads=opening["threads"] or 1, **told
        )
