"""Rows on many machines: as tasks of a Ray cluster, or as a Slurm array. The output must be the same folder on all."""

import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from fststyle.cluster.ray_cluster import cluster
from fststyle.errors import TrainingError
from fststyle.system.files import atomic_write, reason_of
from fststyle.training.many.launch import run_row
from fststyle.training.many.plan import Request, State

SCRIPT = "train_many.sbatch"

# How often a row may be begun again after its machine was lost; it goes on from its last checkpoint.
_RETRIES = 5

# Seconds before its end at which Slurm tells a row, which then writes its checkpoint.
_NOTICE = 120


def run_on_ray(requests: Sequence[Request], threads: int, *, gpu: bool, told: Callable[[Request, State], None]) -> None:
    """Run rows as tasks; each has its CPUs, and a GPU if there are some.

    Raises:
        FststyleError: The cluster cannot be used.
    """
    with cluster() as ray:
        on_gpu = gpu and ray.cluster_resources().get("GPU", 0) >= 1
        task = ray.remote(num_cpus=threads, num_gpus=1 if on_gpu else 0, max_retries=_RETRIES)(run_row)
        waiting = {task.remote(request): request for request in requests}
        while waiting:
            (done, *_), _ = ray.wait(list(waiting), num_returns=1)
            request = waiting.pop(done)
            try:
                told(request, ray.get(done)[0])
            except ray.exceptions.RayError as error:
                reason = " ".join(str(error).split())[:200]
                told(request, State("failed", error=f"its worker was lost {_RETRIES + 1} times ({reason})"))


def slurm_script(
    sheet: Path,
    output: Path,
    words: Sequence[str],
    *,
    rows: int,
    jobs: int | None,
    threads: int,
    memory: int,
    gpu: bool,
) -> str:
    """A batch script that trains each row as one task of an array.

    Args:
        sheet: The sheet.
        output: The folder of all.
        words: Further options of `train-many`, those for all rows among them.
        rows: How many there are.
        jobs: At the same time; None leaves that to Slurm.
        threads: CPUs a row.
        memory: Bytes a row.
        gpu: Whether each gets one.
    """
    command = [sys.executable, "-m", "fststyle", "train-many", str(sheet.resolve()), "-o", str(output.resolve())]
    at_once = f"%{jobs}" if jobs is not None else ""
    # Slurm takes everything to the end of a line, spaces included, and replaces what begins with %.
    log = str(output.resolve()).replace("\\", "\\\\").replace("%", "%%") + "/slurm-%A_%a.log"
    more = "\n#SBATCH --gres=gpu:1" if gpu else ""
    return f"""#!/bin/bash
#SBATCH --job-name=fststyle
#SBATCH --array=1-{rows}{at_once}
#SBATCH --cpus-per-task={threads}
#SBATCH --mem={-(-memory // 2**20)}M{more}
#SBATCH --output="{log}"
#SBATCH --requeue
#SBATCH --signal=B:TERM@{_NOTICE}
# One row of the sheet a task; a task that is begun again goes on from its last checkpoint. With
#   sbatch {shlex.quote(str(output / SCRIPT))}
# Add --time, --partition and --account on that line as your cluster wants them. When all have ended:
#   {shlex.join([*command, "--report"])}
# It is exec that lets the signal reach the row.
set -euo pipefail
cd {shlex.quote(str(Path.cwd()))}
exec {shlex.join(command)} --row "${{SLURM_ARRAY_TASK_ID}}" {shlex.join(words)}
"""


def write_slurm_script(output: Path, text: str) -> Path:
    """Put it into the output's folder.

    Raises:
        TrainingError: It cannot be written.
    """
    path = output / SCRIPT
    try:
        atomic_write(path, text.encode())
    except OSError as error:
        raise TrainingError(f"cannot write {path} ({reason_of(error)}); give another --output") from error
    return path
