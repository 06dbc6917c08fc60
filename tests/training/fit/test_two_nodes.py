"""Two nodes of a cluster, as two processes with their own node ranks: the network of one and a larger batch."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from test_training_cli import states

from fststyle.training.cli import main

ROOT = Path(__file__).parents[3]

# A rate at which the networks stay what they are: only the gradients count.
STEPS = ("--steps", "2", "--learning-rate", "1e-6", "--precision", "32-true", "--temporal-weight", "1")

BEGINNINGS = {
    "torchrun": lambda rank: {
        **{"WORLD_SIZE": "2", "RANK": rank, "GROUP_RANK": rank, "LOCAL_RANK": "0", "LOCAL_WORLD_SIZE": "1"},
        **{"TORCHELASTIC_RUN_ID": "style", "NODE_RANK": rank},
    },
    "Slurm": lambda rank: {
        **{"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "style", "SLURM_NTASKS": "2", "SLURM_NTASKS_PER_NODE": "1"},
        **{"SLURM_PROCID": rank, "SLURM_LOCALID": "0", "SLURM_NODEID": rank, "SLURM_NODELIST": "127.0.0.1"},
        **{"SLURM_NNODES": "2", "SLURM_JOB_NUM_NODES": "2"},
    },
}
"""What the environment of a process holds on the node of this rank."""


def node(environment: dict[str, str], port: int, arguments: list[str], folder: Path) -> "subprocess.Popen[bytes]":
    """One of two machines."""
    ours = {"PYTHONPATH": str(ROOT), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "fststyle", "train", *arguments, "--trainer.strategy", "ddp"]
    command += ["--trainer.num_nodes", "2", "--trainer.devices", "1"]
    return subprocess.Popen(command, cwd=folder, env=os.environ | ours | environment, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize("begun_by", BEGINNINGS)
def test_two_nodes_make_the_network_of_one_with_the_larger_batch(
    begun_by: str, train_arguments: list[str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    apart = [*train_arguments, *STEPS, "--output", str(tmp_path / "apart"), "--data.batch_size", "2"]
    nodes = [node(BEGINNINGS[begun_by](str(rank)), port, apart, tmp_path) for rank in range(2)]
    for each in nodes:
        _, said = each.communicate(timeout=400)
        assert each.returncode == 0, said.decode()
    assert main([*train_arguments, *STEPS, "--output", str(tmp_path / "alone"), "--data.batch_size", "4"]) == 0
    one, two = states(tmp_path / "alone"), states(tmp_path / "apart")
    moments = [name for name in one if name.endswith(("exp_avg", "momentum"))]
    assert len(moments) > 30
    for name in moments:
        least = 1e-5 * one[name].abs().max().item() + 1e-7
        torch.testing.assert_close(two[name], one[name], rtol=1e-3, atol=least)
