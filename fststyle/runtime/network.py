"""A network that onnxruntime runs: pixels in and out, whatever it computes on."""

import copy
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Self

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from fststyle.errors import DeviceError, ModelFileError
from fststyle.graph.byte_ends import MEANS
from fststyle.graph.cpu_form import for_cpu
from fststyle.graph.late_pixels import with_late_pixels
from fststyle.model.checks import PictureForm
from fststyle.model.devices import ORT_ERRORS, PROVIDERS, choose_device, open_session, reason, remedy, run_into
from fststyle.model.file import STRENGTH_NAME, STYLE_NAME, ModelFile, ModelSource, read_model
from fststyle.model.layouts import Layout, suspicion, to_rgb, to_tensor, values_of
from fststyle.runtime.stopping import current_stop
from fststyle.system.cores import threads_for_cores
from fststyle.system.ranges import is_whole, shown
from fststyle.system.warn import warn

_BYTES = PictureForm("uint8", channels_last=True)

# onnxruntime starts as many as it is told, and with ten thousand it does not come back.
_MOST_THREADS = 1024


class Network:
    """A model file and a session of it; make one with `Network.load`.

    Attributes:
        model: The file.
        device: Where it runs: "cpu", "cuda", "directml" or "coreml".
        layout: What it computes on; of a network that takes bytes, only the order of the channels counts.
        threads: Of the CPU; None is a thread a core.
        holds: Whether it paints with what it found in other pictures.
    """

    holds = False

    def __init__(
        self, model: ModelFile, session: onnxruntime.InferenceSession, device: str, layout: Layout, threads: int | None
    ) -> None:
        self.model = model
        self.device = device
        self.layout = layout
        self._session = session
        self.threads = threads
        self._values = values_of(layout)
        self._style: NDArray[np.float32] | None = None
        self._thrifty = False
        self._suspected = model.card is not None
        # DirectML runs a session for one thread at a time; the other devices do so for any number.
        self._turn: AbstractContextManager[object] = threading.Lock() if device == "directml" else nullcontext()

    @classmethod
    def load(cls, source: ModelSource | ModelFile, device: str, layout: Layout, threads: int | None) -> Self:
        """As `Stylizer` says."""
        values_of(layout)
        if threads is not None and not is_whole(threads, 1, _MOST_THREADS):
            raise ValueError(f"threads must be a whole number in 1..{_MOST_THREADS}, not {shown(threads)}")
        threads = threads_for_cores(threads)
        chosen = choose_device(device)
        model = source if isinstance(source, ModelFile) else read_model(source)
        if model.card is not None and layout != "rgb1":
            raise ValueError(f"{model.where} was made by fststyle, so its layout is rgb1, not {layout}")
        session = _open(model, _suited(model, model.data, chosen), chosen, threads)
        # onnxruntime falls back to the CPU without a word.
        if PROVIDERS[chosen] not in session.get_providers():
            if device != "auto":
                raise DeviceError(f"onnxruntime could not start {chosen} and would use the CPU; {remedy(chosen)}")
            chosen = "cpu"
        return cls(model, session, chosen, layout, threads)

    def open(self, data: bytes, *, pooled: bool = False) -> onnxruntime.InferenceSession:
        """A session of a graph derived from this network, where this network runs.

        Args:
            data: Of the graph.
            pooled: One of many that follow each other: with a single thread, and with memory that they share.
        """
        return _open(self.model, self.suited(data), self.device, 1 if pooled else self.threads, pooled=pooled)

    def suited(self, data: bytes) -> bytes:
        """The bytes of a graph derived from this network as a session of it has them, for `open_suited`."""
        return _suited(self.model, data, self.device)

    def open_suited(self, data: bytes) -> onnxruntime.InferenceSession:
        """As `open`, of what `suited` gave. These sessions share their memory."""
        return _open(self.model, data, self.device, self.threads, pooled=True)

    def run(self, rgb: NDArray[np.uint8], strength: float = 1.0) -> NDArray[np.uint8]:
        """Paint (H, W, 3).

        Args:
            rgb: The picture.
            strength: For a network that can be told; others do not hear it.

        Raises:
            ModelFileError: The network fails, or gives something other than a picture of this size.
        """
        return self.paint(self._session, rgb, {}, strength)

    def paint(
        self,
        session: onnxruntime.InferenceSession,
        rgb: NDArray[np.uint8],
        feeds: Mapping[str, NDArray[Any]],
        strength: float = 1.0,
    ) -> NDArray[np.uint8]:
        """As `run`, with a session from `open` and its further inputs."""
        (answer,) = self.ask(session, rgb, feeds, [self.model.output_name], strength)
        return self.to_rgb(answer, rgb.shape[:2])

    def ask(
        self,
        session: onnxruntime.InferenceSession,
        rgb: NDArray[np.uint8],
        feeds: Mapping[str, NDArray[Any]],
        names: Sequence[str],
        strength: float = 1.0,
        into: Sequence[NDArray[Any]] = (),
    ) -> list[NDArray[Any]]:
        """Some of a session's outputs for a picture, which not every derived graph takes.

        Args:
            session: From `open`.
            rgb: The picture.
            feeds: Further inputs.
            names: Of the outputs.
            strength: As for `run`.
            into: Arrays of the outputs' types and shapes, to be filled: onnxruntime copies what it makes by itself.

        Raises:
            ModelFileError: The network fails.
            StoppedError: Another thread ended it.
        """
        feeds = dict(feeds)
        if any(value.name == self.model.input_name for value in session.get_inputs()):
            form = _BYTES if self._takes_bytes(session) else self.model.takes
            feeds[self.model.input_name] = to_tensor(rgb, self._values, form.dtype, channels_last=form.channels_last)
        averaged = self.model.output_name in names and any(value.name == MEANS for value in session.get_outputs())
        stop = current_stop()
        try:
            told = self._told(session, strength)
            with self._turn:
                options = None if stop is None else stop.options
                if self._thrifty:
                    options = options or onnxruntime.RunOptions()
                    options.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
                if into:
                    return run_into(session, {**feeds, **told}, dict(zip(names, into, strict=True)), options)
                answers = list(session.run([*names, MEANS] if averaged else list(names), {**feeds, **told}, options))
        except ORT_ERRORS as error:
            if stop is not None:
                stop.check()
            height, width = rgb.shape[:2]
            said = reason(error)
            advice = "try a smaller picture" if "alloc" in said.lower() else "choose another network"
            raise ModelFileError(f"{self.model.name} fails on {width}×{height} pixels ({said}); {advice}") from error
        if averaged:
            self._check(answers.pop())
        return answers

    def styled(self, weights: NDArray[np.float32]) -> Self:
        """The same network, in the same sessions, with its styles weighed so: (styles,)."""
        other = copy.copy(self)
        other._style = weights
        return other

    def thrifty(self) -> Self:
        """The same network, in the same sessions, which on the CPU give back what memory they took after each run.

        The next run has to get it anew, which costs a sixth of its time.
        """
        other = copy.copy(self)
        other._thrifty = self.device == "cpu"
        return other

    def _takes_bytes(self, session: onnxruntime.InferenceSession) -> bool:
        """Whether it takes pixels as `for_cpu` leaves them, whatever the file says."""
        return self.model.card is not None and any(
            value.name == self.model.input_name and value.type == "tensor(uint8)" for value in session.get_inputs()
        )

    def _told(self, session: onnxruntime.InferenceSession, strength: float) -> dict[str, NDArray[np.float32]]:
        """Strength and styles, as far as they are not the defaults and the session's graph has such inputs."""
        told = {}
        if strength != 1 and self.model.takes_strength:
            told[STRENGTH_NAME] = np.full(1, strength, np.float32)
        if self._style is not None:
            told[STYLE_NAME] = self._style
        known = {value.name for value in session.get_overridable_initializers()} if told else set()
        return {name: value for name, value in told.items() if name in known}

    def keeps_size(self, height: int, width: int) -> bool:
        """Whether the network runs on noise of this size, and gives a picture of it."""
        noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        try:
            (answer,) = self.ask(self._session, noise, {}, [self.model.output_name])
        except ModelFileError:
            return False
        return answer.shape in ((1, 3, height, width), (1, height, width, 3))

    def to_rgb(self, answer: NDArray[Any], sides: tuple[int, ...]) -> NDArray[np.uint8]:
        """What a session of this network gave as pixels; `sides` are (H, W) of what it was given.

        Raises:
            ModelFileError: It is something other than a picture of this size.
        """
        channels_last, planes = answer.shape == (1, *sides, 3), answer.shape == (1, 3, *sides)
        if channels_last and planes:  # of 3×3 pixels the shape does not tell
            channels_last = (self.model.gives or self.model.takes).channels_last
        elif not channels_last and not planes:
            raise ModelFileError(
                f"{self.model.name} makes {answer.shape} of {(1, 3, *sides)}; choose a network that keeps the size"
            )
        if answer.dtype != np.uint8:
            self._check(answer)
            self._suspect(answer)
        return to_rgb(answer, self._values, channels_last=channels_last)

    def _check(self, answer: NDArray[Any]) -> None:
        if not np.isfinite([answer.min(), answer.max()]).all():
            raise ModelFileError(f"{self.model.name} produced NaN or infinity; retrain it or use another network")

    def _suspect(self, answer: NDArray[Any]) -> None:
        if self._suspected:
            return
        if (found := suspicion(answer, self.layout, self.model.ends_in)) is not None:
            self._suspected = True
            warn(f"{self.model.name} {found}")


def _open(
    model: ModelFile, data: bytes, device: str, threads: int | None, *, pooled: bool = False
) -> onnxruntime.InferenceSession:
    """A session of the model, or of a graph derived from it, in a form that suits the device."""
    try:
        return open_session(data, device, threads, pooled=pooled)
    except ORT_ERRORS as error:
        raise ModelFileError(
            f"{model.where} cannot be run by onnxruntime ({reason(error)}); export it again, with opset 18"
        ) from error


def _suited(model: ModelFile, data: bytes, device: str) -> bytes:
    if device != "cpu":
        return data
    ours = model.card is not None and model.takes.dtype == "float32"
    return for_cpu(data, model.input_name, model.output_name) if ours else with_late_pixels(data)
