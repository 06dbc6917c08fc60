"""`fststyle train`: Lightning's command line with our names for what every run needs.

Everything under `model`, `data` and `trainer` comes from the signatures of `StyleTransferModule`, `ContentData` and
Lightning's `Trainer`; a default stands there and nowhere else.
"""

import shlex
import sys
import warnings
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities import rank_zero_only

from fststyle.errors import TrainingError
from fststyle.pictures.files import write_picture
from fststyle.samples import photo_folder, photos
from fststyle.system.file_kinds import Kind
from fststyle.system.files import atomic_write, reason_of, refuse_other_kind
from fststyle.training.checkpoint import AtomicCheckpointIO, read_checkpoint
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.data.cache import CACHE_FOLDER, remove_cache
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import check_precision, default_precision, torch_device
from fststyle.training.fit.calibration import style_factor
from fststyle.training.fit.callbacks import CostProgressBar, LastCheckpoint, SamplePictures, StopOnSignal, TimeBudget
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.preview import preview, weights
from fststyle.training.fit.run_folder import check_resume, locked
from fststyle.training.fit.run_log import RunLog
from fststyle.training.fit.trainer import quiet_lightning
from fststyle.training.fit.trainer_options import check_numbers, plain_errors, steps_of
from fststyle.training.parser import TrainParser
from fststyle.training.tensors import unit_range

# What the run's folder decides.
_OURS = ("logger", "plugins", "default_root_dir")

# Short names on the left; where they go on the right.
_LINKS = {
    "style": "model.style",
    "name": "model.name",
    "painting": "model.painting",
    "weights": "model.cost.weights",
    "init": "model.init",
}


class TrainCLI(LightningCLI):
    """Parses the arguments and builds module, data and trainer; `main` runs them."""

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the run's own arguments in front of the classes'."""
        parser.add_argument("--style", type=Path, required=True, help="The painting, a picture file.")
        parser.add_argument(
            "--name", type=str, default="", help="Of the style; also of the run's folder. The painting's if not given."
        )
        parser.add_argument("--painting", type=str | None, default=None, help="Artist, title, year.")
        parser.add_argument(
            "--weights", type=Path | None, default=None, help="The loss network's weights, .safetensors or .pth."
        )
        parser.add_argument(
            "--init", type=str, default="base", help="Start from base, none, or another style's checkpoint or network."
        )
        parser.add_argument(
            "--minutes", type=float | None, default=None, help="Train this long instead of --trainer.max_steps."
        )
        parser.add_argument(
            "--out",
            "--output",
            "-o",
            type=Path | None,
            default=None,
            help="The run's folder; runs/<name> if not given.",
        )
        parser.add_argument("--resume", action="store_true", help="Go on from last.ckpt in the run's folder.")
        parser.add_argument(
            "--force", action="store_true", help="Resume with another painting, cost or other photos, too."
        )
        parser.add_argument(
            "--calibrate", action="store_true", help="Fit the style weight to the painting by a probe of some seconds."
        )
        parser.add_argument(
            "--preview", action="store_true", help="Train for a minute and show three strengths, to choose one by eye."
        )
        parser.add_argument("--save_every", type=int, default=100, help="Steps between two checkpoints.")
        for short, target in _LINKS.items():
            parser.link_arguments(short, target)
        parser.set_defaults({"data.root": photo_folder()})

    def before_instantiate_classes(self) -> None:
        """Choose what depends on the machine, if the user did not.

        Raises:
            TrainingError: The config has null where something is needed.
        """
        trainer = self.config.trainer
        # The parser takes null for anything, and of a section it leaves None or nothing in it.
        empty = {"trainer": not trainer or "precision" not in trainer, "save_every": self.config.save_every is None}
        for name, is_empty in empty.items():
            if is_empty:
                raise TrainingError(f"the config says `{name}: null`; leave the line out, or give a value")
        for name in _OURS:
            if trainer.get(name) is not None:
                raise TrainingError(
                    f"--trainer.{name} cannot be set: every output of a run goes to --out; leave it out"
                )
        if trainer.precision is None:
            device = torch_device("auto" if trainer.accelerator in ("auto", "gpu", "cuda") else "cpu")
            trainer.precision = default_precision(device)
        check_numbers(trainer)
        check_precision(trainer.precision)
        trainer.max_steps = steps_of(trainer, self.config.minutes)
        if not self.config.name:
            self.config.name = self.config.model.name = self.config.style.stem
        if Path(self.config.data.root) == photo_folder():
            _say_which_photos()
        self.run_folder = self.config.out or Path("runs") / self.config.name

    def save_config(self) -> None:
        """Write `config.yaml`, with which the run can be repeated, into its folder.

        Raises:
            TrainingError: If it cannot be written, or another program's file has that name.
        """
        path = self.run_folder / "config.yaml"
        if not self.config.resume:
            refuse_other_kind(path, Kind.CONFIG, TrainingError)
        again = self.config.clone()
        again.resume = again.force = False
        try:
            text = self.parser.dump(again, skip_validation=True)
        except ValueError:  # an argument of a callback that YAML cannot express
            warnings.warn(f"{path} is not written: it cannot express these callbacks; keep the command", stacklevel=2)
            return
        try:
            atomic_write(path, text.encode())
        except OSError as error:
            raise TrainingError(f"cannot write {path} ({reason_of(error)}); give another --out") from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A trainer that keeps everything of the run in its folder."""
        asked = self.config.trainer
        self.budget = TimeBudget(self.config.minutes)
        self.signals = StopOnSignal()
        ours: list[Callback] = [self.budget, self.signals]
        if asked.enable_progress_bar is not False:
            ours.append(CostProgressBar())
        last = LastCheckpoint(self.run_folder, self.config.save_every)
        if not asked.fast_dev_run:
            ours += [SamplePictures(self.run_folder / "samples"), last]
        configured = self._get(self.config_init, "trainer.callbacks", default=None) or []
        theirs = configured if isinstance(configured, list) else [configured]
        return super().instantiate_trainer(
            callbacks=[*theirs, *ours],
            logger=RunLog(self.run_folder),
            plugins=[AtomicCheckpointIO()],
            default_root_dir=self.run_folder,
            **kwargs,
        )


@rank_zero_only
def _say_which_photos() -> None:
    """On standard error, that the photos are those that ship."""
    print(
        f"training on the {len(photos())} sample photos; a few hundred of yours do better: "
        "fststyle train PAINTING PHOTOS",
        file=sys.stderr,
    )


_TRAINER_DEFAULTS: dict[str, Any] = {
    "max_steps": None,  # see `steps_of`
    "max_epochs": -1,
    "val_check_interval": 250,
    "check_val_every_n_epoch": None,
    "num_sanity_val_steps": 0,
    # Our sampler deals the positions out to the processes itself; Lightning's would start each resumed run anew.
    "use_distributed_sampler": False,
    "benchmark": True,
    "enable_model_summary": False,
    "log_every_n_steps": 10,
}


def main(args: list[str]) -> int:
    """Train as the arguments say.

    Returns:
        The exit status: 0, or 128 + the signal's number after Ctrl-C or SIGTERM (the checkpoint is written then, too).

    Raises:
        FststyleError: For whatever the user can mend.
        SystemExit: From the parser: 0 after --help, 2 for arguments that do not fit.
    """
    cli = parse(args)
    if cli.config.calibrate:
        with plain_errors():
            _calibrate(cli)
    if cli.config.preview:
        return _preview(cli)
    if cli.config.trainer.fast_dev_run:
        return _rehearse(cli)
    trainer, module, data = cli.trainer, cli.model, cli.datamodule
    last = cli.run_folder / "last.ckpt"
    if cli.config.resume:
        finished = read_checkpoint(last)
        if trainer.max_steps > 0 and finished.steps >= trainer.max_steps:
            raise TrainingError(f"{last} has all of its {finished.steps} steps; give a higher --trainer.max_steps")
        check_resume(finished, module, data, force=cli.config.force)
    elif last.exists() and trainer.is_global_zero:
        raise TrainingError(f"{cli.run_folder} holds a run already; go on with --resume, or give another --out")
    data.bad_list = cli.run_folder / "bad_files.jsonl"
    data.cache_folder = cli.run_folder / CACHE_FOLDER
    with locked(cli.run_folder) if trainer.is_global_zero else nullcontext():
        if trainer.is_global_zero:
            cli.save_config()
            remove_cache(data.cache_folder)  # an interrupted run's, perhaps of other photos
        with plain_errors():
            trainer.fit(module, data, ckpt_path=last if cli.config.resume else None, weights_only=True)
        if trainer.is_global_zero:
            remove_cache(data.cache_folder)
            _report(cli, last)
    return 0 if cli.signals.received is None else 128 + cli.signals.received


def _rehearse(cli: TrainCLI) -> int:
    """Go through what `--trainer.fast_dev_run` asks for, and keep nothing; returns the exit status."""
    if cli.config.resume:
        raise TrainingError("fast_dev_run is a rehearsal, which keeps nothing; leave out --resume")
    with plain_errors():
        cli.trainer.fit(cli.model, cli.datamodule)
    if cli.signals.received is not None:
        return 128 + cli.signals.received
    if cli.trainer.is_global_zero:
        print("training and validation work; nothing was kept. next: without fast_dev_run", file=sys.stderr)
    return 0


def _calibrate(cli: TrainCLI) -> None:
    """Multiply the style weight by what suits the painting; a resumed run keeps the weight that it began with."""
    module, last = cli.model, cli.run_folder / "last.ckpt"
    if cli.config.resume and not cli.config.preview:
        weight = float(read_checkpoint(last).recipe["style_weight"])
    else:
        weight = module.cost.style_weight * style_factor(module.cost, unit_range(module.style_image))
        print(f"calibrated: --model.cost.style_weight {weight:.3g}", file=sys.stderr)
    module.cost = replace(module.cost, style_weight=weight)


def _preview(cli: TrainCLI, minutes: float = 1.0) -> int:
    """Leave a contact sheet in the run's folder, and no run; returns the exit status."""
    asked = cli.config.trainer
    signals = StopOnSignal()
    cli.datamodule.bad_list = cli.run_folder / "bad_files.jsonl"
    with plain_errors():
        sheet = preview(
            cli.model,
            cli.datamodule,
            cli.run_folder,
            [TimeBudget(minutes), signals, CostProgressBar()],
            accelerator=asked.accelerator,
            devices=1,
            precision=asked.precision,
        )
    if signals.received is not None:
        return 128 + signals.received
    target = cli.run_folder / "preview.jpg"
    write_picture(target, sheet)
    shown = ", ".join(f"{weight:g}" for weight in weights(cli.model))
    print(f"{target}: photos, and what comes of them with --model.cost.style_weight {shown}", file=sys.stderr)
    print("next: the same command without --preview, with the weight that you like best", file=sys.stderr)
    return 0


def _report(cli: TrainCLI, last: Path) -> None:
    """Say on standard error what there is now and what comes next."""
    bad_list = cli.datamodule.bad_list
    if bad_list is not None and bad_list.exists():
        count = len(bad_list.read_text("utf-8").splitlines())
        print(f"{count} photos could not be read and were replaced by others; see {bad_list}", file=sys.stderr)
    if cli.signals.received is not None:
        print(f"stopped; go on with the same command and --resume: {last}", file=sys.stderr)
        return
    costs = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in cli.model.costs.items())
    judge = cli.model.cost.architecture
    said = f"{costs}, judged by {judge}" if costs else "not measured"
    print(f"{cli.trainer.global_step} steps; on held-out photos: {said}", file=sys.stderr)
    if costs and judge in DISTILLED:
        print(f"{judge} is lenient; compare networks with fststyle evaluate, which asks VGG-19", file=sys.stderr)
    print(f"pictures: {cli.run_folder / 'samples'}", file=sys.stderr)
    print(f"next: fststyle export {shlex.quote(str(last))} {cli.config.name}.onnx", file=sys.stderr)


def parse(args: list[str]) -> TrainCLI:
    """Everything that a run needs, built from its arguments.

    Raises:
        FststyleError: For whatever the user can mend.
        SystemExit: From the parser: 0 after --help, 2 for arguments that do not fit.
    """
    quiet_lightning()
    if torch.cuda.is_available():
        torch.set_float32_matmul_precision("high")
    with plain_errors():
        return TrainCLI(
            StyleTransferModule,
            ContentData,
            run=False,
            auto_configure_optimizers=False,
            args=args,
            save_config_callback=None,
            trainer_defaults=_TRAINER_DEFAULTS,
            seed_everything_default=0,
            parser_class=TrainParser,
            parser_kwargs={"prog": "fststyle train", "description": "Train a network for one style."},
        )
