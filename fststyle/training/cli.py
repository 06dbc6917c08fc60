"""`fststyle train`: Lightning's command line with our names for what every run needs.

Everything under `model`, `data` and `trainer` comes from the signatures of `StyleTransferModule`, `ContentData` and
Lightning's `Trainer`; a default stands there and nowhere else.
"""

import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_lightning import Trainer
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities import rank_zero_only

from fststyle.errors import TrainingError
from fststyle.pictures.files import write_picture
from fststyle.samples import photo_folder, photos
from fststyle.system.counts import counted
from fststyle.system.file_kinds import Kind
from fststyle.system.files import atomic_write, reason_of, refuse_other_kind
from fststyle.system.shell import for_shell
from fststyle.system.warn import warn
from fststyle.training.arguments import LINKED
from fststyle.training.cost.weights import DISTILLED
from fststyle.training.data.photos import ContentData
from fststyle.training.devices import keep_to_cores
from fststyle.training.fit.callbacks import SAVE_EVERY, CostProgressBar, StopOnSignal, TimeBudget
from fststyle.training.fit.events import tell
from fststyle.training.fit.finished import BAD_PHOTOS, CHECKPOINT, SAMPLES, Training
from fststyle.training.fit.module import StyleTransferModule
from fststyle.training.fit.preview import preview, weights
from fststyle.training.fit.run import fit_style_weight, run, stopped_by, trainer_settings
from fststyle.training.fit.run_log import LoggerName
from fststyle.training.fit.trainer import quiet_lightning
from fststyle.training.fit.trainer_options import DEFAULTS, plain_errors, settle
from fststyle.training.networks.warm_start import PREDICTED
from fststyle.training.parser import TrainParser


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
            "--init",
            type=str,
            default=PREDICTED,
            help="Start from predicted, base, none, or another style's checkpoint or network.",
        )
        parser.add_argument("--minutes", type=float | None, default=None, help="Train this long instead of --steps.")
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
        parser.add_argument(
            "--logger",
            type=LoggerName | None,
            default=None,
            help="Where the costs are logged; tensorboard if not given.",
        )
        parser.add_argument("--save_every", type=int, default=SAVE_EVERY, help="Steps between two checkpoints.")
        parser.add_argument("--json", action="store_true", help="Print progress as JSON lines on standard error.")
        for target, ours in LINKED.items():
            parser.link_arguments(ours, target)
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
        settle(trainer, self.config.minutes)
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
        again.resume = again.force = again.json = False
        try:
            text = self.parser.dump(again, skip_validation=True)
        except ValueError:  # an argument of a callback that YAML cannot express
            warn(f"{path} is not written: it cannot express these callbacks; keep the command")
            return
        try:
            atomic_write(path, text.encode())
        except OSError as error:
            raise TrainingError(f"cannot write {path} ({reason_of(error)}); give another --output") from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """A trainer that keeps everything of the run in its folder."""
        options = {
            **self.config.trainer,
            "callbacks": self._get(self.config_init, "trainer.callbacks", default=None),
            "logger": self.config.logger or self._get(self.config_init, "trainer.logger", default=None),
        }
        ours = trainer_settings(
            self.run_folder,
            options,
            name=self.config.name,
            minutes=self.config.minutes,
            save_every=self.config.save_every,
            as_json=self.config.json,
        )
        return super().instantiate_trainer(**ours, **kwargs)


@rank_zero_only
def _say_which_photos() -> None:
    """On standard error, that the photos are those that ship."""
    print(
        f"training on the {len(photos())} sample photos; a few hundred of yours do better: "
        "fststyle train PAINTING PHOTOS",
        file=sys.stderr,
    )


def main(args: list[str]) -> int:
    """Train as the arguments say.

    Returns:
        The exit status: 0, or 128 + the signal's number after Ctrl-C or SIGTERM (the checkpoint is written then, too).

    Raises:
        FststyleError: For whatever the user can mend.
        SystemExit: From the parser: 0 after --help, 2 for arguments that do not fit.
    """
    keep_to_cores()
    cli = parse(args)
    asked = cli.config
    if asked.calibrate:
        with plain_errors():
            weight = fit_style_weight(
                cli.model, cli.run_folder / CHECKPOINT if asked.resume and not asked.preview else None
            )
        print(f"calibrated: --style-weight {weight:.3g}", file=sys.stderr)
    if asked.preview:
        return _preview(cli)
    if asked.trainer.fast_dev_run:
        return _rehearse(cli)
    training = run(
        cli.trainer,
        cli.model,
        cli.datamodule,
        cli.run_folder,
        resume=asked.resume,
        force=asked.force,
        begin=cli.save_config,
    )
    if cli.trainer.is_global_zero:
        report = _tell if asked.json else _report
        report(training)
    return 0 if training.stopped is None else 128 + training.stopped


def _rehearse(cli: TrainCLI) -> int:
    """Go through what `--trainer.fast_dev_run` asks for, and keep nothing; returns the exit status."""
    if cli.config.resume:
        raise TrainingError("fast_dev_run is a rehearsal, which keeps nothing; leave out --resume")
    with plain_errors():
        cli.trainer.fit(cli.model, cli.datamodule)
    stopped = stopped_by(cli.trainer)
    if stopped is not None:
        return 128 + stopped
    if cli.trainer.is_global_zero:
        print("training and validation work; nothing was kept. next: without fast_dev_run", file=sys.stderr)
    return 0


def _preview(cli: TrainCLI, minutes: float = 1.0) -> int:
    """Leave a contact sheet in the run's folder, and no run; returns the exit status."""
    asked = cli.config.trainer
    signals = StopOnSignal()
    cli.datamodule.bad_list = cli.run_folder / BAD_PHOTOS

    def predicted(sheet: NDArray[np.uint8]) -> None:
        write_picture(cli.run_folder / "predicted.jpg", sheet)
        print(f"{cli.run_folder / 'predicted.jpg'}: what is predicted, before any training", file=sys.stderr)

    with plain_errors():
        sheet = preview(
            cli.model,
            cli.datamodule,
            cli.run_folder,
            [TimeBudget(minutes), signals, CostProgressBar()],
            predicted,
            accelerator=asked.accelerator,
            devices=1,
            precision=asked.precision,
        )
    if signals.received is not None:
        return 128 + signals.received
    target = cli.run_folder / "preview.jpg"
    write_picture(target, sheet)
    shown = ", ".join(f"{weight:g}" for weight in weights(cli.model))
    print(f"{target}: photos, and what comes of them with --style-weight {shown}", file=sys.stderr)
    print("next: the same command without --preview, with the weight that you like best", file=sys.stderr)
    return 0


def _tell(training: Training) -> None:
    """As `_report`, for programs."""
    state = "done" if training.stopped is None else "interrupted"
    tell(
        state,
        step=training.steps,
        costs={name.removesuffix("_loss"): value for name, value in training.costs.items()},
        judge=training.judge,
    )


def _report(training: Training) -> None:
    """Say on standard error what there is now and what comes next."""
    last = training.checkpoint
    if training.bad_photos:
        listed = training.folder / BAD_PHOTOS
        print(
            f"{counted(training.bad_photos, 'photo')} could not be read and gave way to others; see {listed}",
            file=sys.stderr,
        )
    if training.stopped is not None:
        print(f"stopped; go on with the same command and --resume: {last}", file=sys.stderr)
        return
    costs = ", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in training.costs.items())
    said = f"{costs}, judged by {training.judge}" if costs else "not measured"
    print(f"{counted(training.steps, 'step')}; on held-out photos: {said}", file=sys.stderr)
    if costs and training.judge in DISTILLED:
        print(
            f"{training.judge} is lenient; compare networks with fststyle evaluate, which asks VGG-19", file=sys.stderr
        )
    print(f"pictures: {training.folder / SAMPLES}", file=sys.stderr)
    print(f"next: fststyle export {for_shell(last)} {for_shell(f'{training.name}.onnx')}", file=sys.stderr)


def parse(args: list[str]) -> TrainCLI:
    """Everything that a run needs, built from its arguments.

    Raises:
        FststyleError: For whatever the user can mend.
        SystemExit: From the parser: 0 after --help, 2 for arguments that do not fit.
    """
    quiet_lightning()
    os.environ.setdefault("JSONARGPARSE_DEPRECATION_WARNINGS", "off")
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
            trainer_defaults=dict(DEFAULTS),
            seed_everything_default=0,
            parser_class=TrainParser,
            parser_kwargs={"prog": "fststyle train", "description": "Train a network for one style."},
        )
