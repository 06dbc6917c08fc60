"""Rows on many machines: as tasks of a Ray cluster, or as a Slurm array. The output must be the same folder on all."""

import shlex
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fststyle.cluster.ray_cluster import cluster, most_cpus, workers_for
from fststyle.errors import TrainingError
from fststyle.system.files import atomic_write, reason_of
from fststyle.system.one_line import one_line
from fststyle.system.shell import for_shell
from fststyle.system.signals import SignalWatch
from fststyle.training.many.launch import CORES_EACH, run_row
from fststyle.training.many.plan import Request, State

SCRIPT = "train_many.sbatch"

# Seconds between two looks for a signal.
_LOOK_EVERY = 0.5

# How often a row may be begun again after its machine was lost; it goes on from its last checkpoint.
_RETRIES = 5

# Seconds before its end at which Slurm tells a row, which then writes its checkpoint.
_NOTICE = 120


def run_on_ray(
    requests: Sequence[Request],
    told: Callable[[Request, State], None],
    *,
    jobs: int | None,
    threads: int | None,
    memory: int | None,
    gpu: bool,
) -> int | None:
    """Run rows as tasks; after Ctrl-C or SIGTERM the running ones write their checkpoints.

    Args:
        requests: The rows.
        told: Told what became of each.
        jobs: At the same time; None is as many as fit into the cluster.
        threads: CPUs of each; None is two, or one if no machine has two.
        memory: Bytes that Ray keeps free for each; None leaves that to Ray.
        gpu: Whether each has a GPU, if there are some.

    Returns:
        The number of the signal that ended it early, or None.

    Raises:
        FststyleError: The cluster cannot be used, or no machine of it has room for a row.
    """
    with cluster() as ray, SignalWatch() as watch:
        on_gpu = gpu and ray.cluster_resources().get("GPU", 0) >= 1
        cpus = threads or max(1, min(CORES_EACH, most_cpus(ray, gpu=on_gpu)))
        count = workers_for(ray, jobs, threads=cpus, gpu=on_gpu, tasks=len(requests), memory=memory or 0)
        each = {"num_cpus": cpus, "num_gpus": int(on_gpu), "memory": memory}
        task = ray.remote(max_retries=_RETRIES, **each)(run_row)
        left, running, told_to_stop = deque(requests), dict[Any, Request](), False
        while running or (left and watch.received is None):
            # Without --jobs all are handed in at once, for a cluster that grows with its work.
            while left and watch.received is None and (jobs is None or len(running) < count):
                request = left.popleft()
                as_asked = threads or Request.read(request.folder)
                running[task.remote(request if as_asked else replace(request, threads=cpus))] = request
            ended, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK_EVERY)
            for done in ended:
                request = running.pop(done)
                told(request, _outcome(ray, done, request))
            if watch.received is not None and not told_to_stop:
                told_to_stop = True
                for handed_in in running:
                    ray.cancel(handed_in)
    return watch.received


def _outcome(ray: Any, task: Any, request: Request) -> State:
    try:
        state: State = ray.get(task)[0]
    except ray.exceptions.TaskCancelledError:
        return replace(State.read(request.folder), status="stopped", error=None)
    except ray.exceptions.RayError as error:
        reason = one_line(error, 200)
        return State("failed", error=f"its worker was lost {_RETRIES + 1} times ({reason})")
    return state


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
# One row of the sheet a task; a task that is begun again goes on from its last checkpoint. To submit it:
#   sbatch {for_shell(output / SCRIPT)}
# Put --time, --partition and --account behind sbatch as your cluster wants them. When all have ended:
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
