"""What is to be made of a video, and what became of it; `convert.py` does it."""

from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from fststyle.pictures.formats import WRITE_SUFFIXES
from fststyle.system.cores import usable_cores
from fststyle.system.counts import counted
from fststyle.system.files import is_file
from fststyle.video.clip import Cut
from fststyle.video.codecs import CODECS
from fststyle.video.copies import FORMATS, SOUNDS
from fststyle.video.partial import in_words

STREAM = "-"


@dataclass(frozen=True)
class Job:
    """What is to be made of what.

    Attributes:
        source: A video, a folder or pattern of pictures, or "-".
        target: A file with a suffix of `copies.FORMATS`, or "-".
        cut: Which part, how large, at which rate.
        codec: One of `CODECS`.
        crf: Its quality; None for its own.
        raw: (width, height) of bare RGB frames on standard input; if that is not the input, on standard output.
        raw_output: Write bare RGB to standard output, not y4m.
        resume: Go on with what an earlier run left.
        restart: Throw it away.
        identity: What else must be the same for a run to be continued.
        overlap: Read and write in threads of their own.
        sound: What is done with sound, one of `SOUNDS`: it is copied, encoded to AAC, or left out.
    """

    source: str
    target: str
    cut: Cut = field(default_factory=Cut)
    codec: str = "h264"
    crf: int | None = None
    raw: tuple[int, int] | None = None
    raw_output: bool = False
    resume: bool = False
    restart: bool = False
    identity: dict[str, Any] = field(default_factory=dict)
    overlap: bool = True
    sound: str = "copy"

    def __post_init__(self) -> None:
        if self.codec not in CODECS:
            raise ValueError(f"codec must be one of {', '.join(CODECS)}, not {self.codec!r}")
        if self.sound not in SOUNDS:
            raise ValueError(f"sound must be one of {', '.join(SOUNDS)}, not {self.sound!r}")
        if self.crf is not None and not 0 <= self.crf <= 51:
            raise ValueError(f"crf must lie in 0..51, not {self.crf}")
        if self.crf is not None and CODECS[self.codec].crf is None:
            raise ValueError(f"{self.codec} loses nothing, whatever the crf; leave it out")
        if self.raw is not None and STREAM not in (self.source, self.target):
            raise ValueError("bare RGB goes through standard input or output only; leave --raw out, or name one as -")
        if self.resume and self.restart:
            raise ValueError("--resume goes on with what --restart throws away; leave one of them out")
        if self.target == STREAM:
            if self.resume or self.restart:
                raise ValueError("nothing is kept of what went to standard output; leave --resume and --restart out")
            return
        suffix = Path(self.target).suffix.lower()
        if suffix not in FORMATS:
            raise ValueError(
                (f"cannot write videos called '*{suffix}'" if suffix else f"{self.target!r} names no format of videos")
                + f"; use one of {', '.join(FORMATS)}"
                + ("; a picture is painted with fststyle stylize" if suffix in WRITE_SUFFIXES else "")
            )
        if self.codec == "ffv1" and suffix != ".mkv":
            raise ValueError(f"ffv1 goes into .mkv, not {suffix}; change the name")
        if self.resume and self.source == STREAM:
            raise ValueError("standard input cannot be read again; a run from it cannot be resumed")

    @property
    def way_on(self) -> str:
        """What to do after an interruption, for messages."""
        if self.source == STREAM:
            return "send everything again, with --restart"
        return "go on with --resume, or throw it away with --restart"


@dataclass(frozen=True)
class Done:
    """What became of a job.

    Attributes:
        frames: How many the file has.
        seconds: The last one's time.
        resumed: How many of them an earlier run had painted.
        path: The file; None is standard output.
        whole: Whether it is the whole video; if not, `path` is what there is of it.
    """

    frames: int
    seconds: Fraction
    resumed: int
    path: Path | None
    whole: bool


def identity_of(job: Job) -> dict[str, Any]:
    """What must be the same for a run to be continued, as JSON has it."""
    source = Path(job.source)
    facts: dict[str, Any] = {"input": job.source}
    if is_file(source):
        status = source.stat()
        facts["input"] = [source.name, status.st_size, status.st_mtime_ns]
    cut = {key: None if value is None else str(value) for key, value in asdict(job.cut).items()}
    cut["fps"] = cut.pop("rate")  # as the option is called
    codec = CODECS[job.codec]
    encoder = {"codec": job.codec, "crf": codec.quality(job.crf), "encoder": str(codec), "sound": job.sound}
    machine = {"cores": usable_cores(), "PyAV": av.__version__}
    return facts | {key.replace("_", "-"): value for key, value in (cut | encoder | machine | job.identity).items()}


def describe(done: Done) -> str:
    """One line for people."""
    what = f"{counted(done.frames, 'frame')}, {in_words(done.seconds)}"
    return f"{done.path} ({what})" if done.whole else f"{done.path} plays up to {in_words(done.seconds)}"
