"""Stylize a folder on a cluster with Ray Data, which pip install 'fststyle[cluster]' brings.

    python examples/stylize_on_ray.py models/starry_night.onnx photos/ painted/ --workers 2

One network a worker, opened once; a picture that cannot be read, or whose painting would overwrite a photo or another
painting, becomes a row with an error in it, and the others go on. The rows are written to painted/manifest.jsonl. Paths
must lead to the same files on every machine.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import ray

from fststyle import FststyleError, Stylizer, read_picture, write_picture
from fststyle.jobs.run import plan


class Worker:
    """A network in a process of its own."""

    def __init__(self, model: str, threads: int) -> None:
        self.stylizer = Stylizer.load(model, threads=threads)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Paint the picture that a row names, and say what became of it."""
        error = row["error"]
        try:
            if not error:
                picture = read_picture(Path(row["source"]))
                write_picture(Path(row["target"]), self.stylizer(picture), picture.alpha)
        except FststyleError as caught:
            error = str(caught)
        return {"source": row["source"], "target": "" if error else row["target"], "error": error}


def rows_of(source: Path, target: Path) -> list[dict[str, str]]:
    """A row a picture below a folder: where it lies, where its painting goes, and why it must not if so."""
    jobs = plan([str(source)], str(target), style="", suffix=".jpg")
    return [{"source": str(job.source), "target": str(job.target), "error": job.problem or ""} for job in jobs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of each worker")
    arguments = parser.parse_args()
    source, target, model = (path.resolve() for path in (arguments.source, arguments.target, arguments.model))
    if not source.is_dir():
        parser.error(f"{source} is not a folder; name one that holds pictures")
    try:
        rows = rows_of(source, target)
    except (FststyleError, ValueError) as error:
        parser.error(str(error))
    ray.init(ignore_reinit_error=True, log_to_driver=False)
    rows = (
        ray.data.from_items(rows)
        .map(
            Worker,
            fn_constructor_args=(str(model), arguments.threads),
            concurrency=arguments.workers,
            num_cpus=arguments.threads,
        )
        .take_all()
    )
    target.mkdir(parents=True, exist_ok=True)
    lines = sorted(json.dumps(row) for row in rows)
    (target / "manifest.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    failed = [row for row in rows if row["error"]]
    print(f"{len(rows) - len(failed)} pictures painted, {len(failed)} failed; see {target / 'manifest.jsonl'}")
    for row in failed:
        print(f"error: {row['error']}")


if __name__ == "__main__":
    main()
