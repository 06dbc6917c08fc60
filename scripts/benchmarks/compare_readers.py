"""Compare what fststyle reads and writes with what other programs read, of any pictures and videos.

Every file goes through a network that gives back every pixel. What comes out must be what ImageMagick (for pictures;
libvips where the two disagree) or ffmpeg (for videos) reads: pixels upright and in sRGB, alpha, size; frames, their
times, sound. The tolerances, each with its reason, stand in reader_differences.py.

python scripts/benchmarks/compare_readers.py FILE|FOLDER... [--json OUT.json]; make_reader_files.py makes files for it.
The status is 1 if anything differs, or if fststyle refused what the other program reads.
"""

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import clip_facts
import clip_readers
import picture_readers
from our_reader import OurReader, scratch
from picture_readers import Seen, by_magick, by_vips, read_png, tolerance_for
from reader_differences import between_clips, between_frames, between_pictures

NETWORK = Path(__file__).parents[2] / "tests" / "assets" / "identity.onnx"

EQUAL, DIFFERS, DISPUTED = "equal", "differs", "disputed"
BOTH, BY_US, BY_THEM, BY_CHOICE = "refused by both", "refused by us only", "refused by them only", "refused by choice"
VERDICTS = (EQUAL, DIFFERS, DISPUTED, BOTH, BY_US, BY_THEM, BY_CHOICE)
FAILURES = {DIFFERS, BY_US}

# What follows from a frame's time, which a reader must guess where the file has none.
GUESSED = ("times", "last frame", "sound 0: begins")

# What fststyle refuses on purpose: words of its message -> the reason.
CHOICES = {
    "HDR": "a network trained on photos cannot paint HDR",
    "outside 0..1": "floating-point values without a known white",
    "which is not read": "a TIFF of a depth that hardly anybody writes, or floating-point colors without a known white",
    "signed values": "signed values, whose black and white are unknown",
    "pixels allowed": "more pixels than any memory has",
}


@dataclass(frozen=True)
class Row:
    """What came of a file: one of VERDICTS, and why."""

    path: str
    format: str
    verdict: str
    why: tuple[str, ...] = ()


class Comparison:
    """Compares files one by one.

    Attributes:
        seconds: Time limit of every program, for every file.
    """

    def __init__(self, folder: Path, seconds: float, codec: str = "ffv1") -> None:
        self._folder, self.seconds = folder, seconds
        self._codec = ("--codec", codec, *(() if codec == "ffv1" else ("--crf", "1")))
        self._clip_name = "ours.mkv" if codec == "ffv1" else "ours.mp4"
        self._ours = OurReader(seconds)

    def close(self) -> None:
        """End fststyle's process."""
        self._ours.close()

    def rows(self, path: Path) -> Iterator[Row]:
        """One of a picture, one of a video; an animation is both."""
        suffix = path.suffix.lower()
        for suffixes, compare, kind in (
            (picture_readers.SUFFIXES, self.picture, suffix),
            (clip_readers.SUFFIXES, self.clip, f"{suffix} video" if suffix in picture_readers.SUFFIXES else suffix),
        ):
            if suffix not in suffixes:
                continue
            try:
                row = compare(path, kind)
            except Exception as error:  # noqa: BLE001 -- one bad file must not stop the run
                row = Row(str(path), kind, DIFFERS, (f"the comparison failed: {type(error).__name__}: {error}",))
            yield row

    def picture(self, path: Path, kind: str) -> Row:
        """Compare a picture; where ImageMagick differs, libvips is asked, too."""
        theirs = by_magick(path, self._folder, self.seconds)
        target = scratch(self._folder, "ours.png")
        answer = self._ours("stylize", str(NETWORK), str(path), "-o", str(target))
        if answer.status != 0:
            if theirs.pixels is None or theirs.said:
                return Row(str(path), kind, BOTH, (answer.reason,))
            return Row(str(path), kind, _refusal(answer.reason), (answer.reason,))
        if theirs.pixels is None:
            second = by_vips(path, self._folder, self.seconds)
            if second is None or second.pixels is None:
                return Row(str(path), kind, BY_THEM, (theirs.said,))
            theirs = second
        ours = read_png(target)
        found = tuple(between_pictures(ours, theirs.pixels, tolerance_for(path, theirs)))
        if not found:
            return Row(str(path), kind, EQUAL)
        second = by_vips(path, self._folder, self.seconds) or Seen(None)
        if second.pixels is not None and not any(between_pictures(ours, second.pixels, tolerance_for(path, theirs))):
            return Row(str(path), kind, DISPUTED, (*found, "libvips reads what we read"))
        if (what := picture_readers.left_out(path)) is not None:
            return Row(str(path), kind, DISPUTED, (*found, f"{what} is heeded by neither"))
        return Row(str(path), kind, DIFFERS, found)

    def clip(self, path: Path, kind: str) -> Row:
        """Compare a video."""
        target = scratch(self._folder, self._clip_name)
        options = (*self._codec, "--carry", "0", "--restart")
        answer = self._ours("video", str(NETWORK), str(path), str(target), *options)
        try:
            before = clip_facts.probe(path, self.seconds)
            if answer.status != 0:
                with clip_readers.decoding(path, before, self.seconds) as reference:
                    reference.clip()  # raises, if ffmpeg refuses it, too
                return Row(str(path), kind, _refusal(answer.reason), (answer.reason,))
        except clip_facts.RefusedError as error:
            if answer.status != 0:
                return Row(str(path), kind, BOTH, (answer.reason,))
            return Row(str(path), kind, BY_THEM, (str(error),))
        return self._painted_clip(path, kind, target, before)

    def _painted_clip(self, path: Path, kind: str, target: Path, before: clip_facts.Facts) -> Row:
        with (
            clip_readers.decoding(path, before, self.seconds) as reference,
            clip_readers.decoding(target, clip_facts.probe(target, self.seconds), self.seconds) as painted,
        ):
            pairs = painted.frames(), reference.frames()
            pixels = tuple(between_frames(*pairs, fields=before.interlaced, halved="ffv1" not in self._codec))
            try:
                theirs = reference.clip()
            except clip_facts.RefusedError as error:
                return Row(str(path), kind, BY_THEM, (str(error),))
            found = tuple(between_clips(painted.clip(), theirs))
        if not any(what.startswith(("frames", "size")) for what in found):
            found += pixels
        if found and not before.timed and all(what.startswith(GUESSED) for what in found):
            return Row(str(path), kind, DISPUTED, (*found, "the file has no times of presentation"))
        return Row(str(path), kind, DIFFERS if found else EQUAL, found)


def find(paths: Iterable[Path]) -> Iterator[Path]:
    """Every file that is named, and every picture and video below a folder."""
    known = picture_readers.SUFFIXES | clip_readers.SUFFIXES
    for path in paths:
        if path.is_dir():
            yield from sorted(found for found in path.rglob("*") if found.suffix.lower() in known and found.is_file())
        else:
            yield path


def table(rows: list[Row]) -> str:
    """Files that differ, then counts by format, as Markdown."""
    lines = ["| file | verdict | what |", "|---|---|---|"]
    lines += [
        f"| {row.path} | {row.verdict} | {'; '.join(row.why)} |".replace("\n", " ")
        for row in rows
        if row.verdict not in {EQUAL, BOTH, BY_CHOICE}
    ]
    lines += ["", f"| format | compared | {' | '.join(VERDICTS)} |", "|---" * (len(VERDICTS) + 2) + "|"]
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        counts.setdefault(row.format, Counter())[row.verdict] += 1
    total = sum(counts.values(), Counter())
    for name, count in [*sorted(counts.items()), ("all", total)]:
        cells = [str(count[verdict] or "") for verdict in VERDICTS]
        lines.append(f"| {name} | {count.total()} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="+", type=Path, metavar="FILE|FOLDER")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write every row here, too")
    parser.add_argument("--seconds", type=float, default=60, help="time limit of each program and file; default 60")
    parser.add_argument(
        "--codec", default="ffv1", help="ffv1 into Matroska, or h264 or hevc of crf 1 into MP4; default ffv1"
    )
    parser.add_argument("--most", type=int, metavar="N", help="take N files, evenly spread")
    asked = parser.parse_args(arguments)
    problem = picture_readers.missing() or clip_readers.missing()
    if problem:
        print(problem, file=sys.stderr)
        return 2
    files = list(find(asked.paths))
    if asked.most and len(files) > asked.most:
        files = [files[number * len(files) // asked.most] for number in range(asked.most)]
    rows: list[Row] = []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(Path(folder), asked.seconds, asked.codec)
        with suppress(KeyboardInterrupt):
            for path in files:
                for row in comparison.rows(path):
                    rows.append(row)
                    if row.verdict in FAILURES:
                        print(f"{row.path}: {row.verdict}: {'; '.join(row.why)}", file=sys.stderr, flush=True)
        comparison.close()
    if asked.json:
        asked.json.write_text(json.dumps([asdict(row) for row in rows], indent=1), "utf-8")
    print(table(rows))
    bad = sum(row.verdict in FAILURES for row in rows)
    print(f"\n{len(rows)} comparisons in {time.monotonic() - began:.0f} s, {bad or 'none'} with a difference")
    return 1 if bad or len(rows) == 0 else 0


def _refusal(reason: str) -> str:
    return BY_CHOICE if any(words in reason for words in CHOICES) else BY_US


if __name__ == "__main__":
    sys.exit(main())
