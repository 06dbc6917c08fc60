"""Finds where a training step would wait for a GPU, without one."""

import traceback
from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

# What brings values of a tensor, or how many of them there are, to the program: operators, and methods.
_OPERATORS = {"_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "equal", "_unique2"}
_METHODS = {"cpu", "numpy", "tolist", "__array__"}


class WaitWatch(TorchDispatchMode):
    """Takes some tensors, and all that is computed from them, for those of a GPU, and notes where they are read.

    Args:
        tensors: Those that would lie on the GPU.

    Attributes:
        waits: The lines of the program that would wait.
        is_on: Whether they are noted now.
    """

    def __init__(self, tensors: Iterable[Tensor] = ()) -> None:
        super().__init__()
        self.waits: list[str] = []
        self.is_on = True
        self._methods = _Methods(self)
        # Held, so that no other tensor gets the memory of one that is gone.
        self._storages: dict[int, Any] = {}
        self.add(tensors)

    def add(self, tensors: Iterable[Tensor]) -> None:
        """Take these for tensors of the GPU, too."""
        for tensor in tensors:
            storage = tensor.untyped_storage()
            self._storages[storage._cdata] = storage

    def has(self, tensor: object) -> bool:
        """Whether it would lie on the GPU."""
        return isinstance(tensor, Tensor) and tensor.untyped_storage()._cdata in self._storages

    def note(self) -> None:
        """The innermost line of the program, which is not torch's."""
        here = (__file__, *torch.__path__)
        frames = [frame for frame in traceback.extract_stack() if not frame.filename.startswith(here)]
        if self.is_on:
            self.waits.append(f"{frames[-1].filename}:{frames[-1].lineno} {frames[-1].line}")

    def __enter__(self) -> Self:
        self._methods.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._methods.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = func._schema.name.split("::")[1]
        are_there = any(self.has(each) for each in tree_leaves((args, kwargs)))
        by_mask = name in {"index", "index_put_"} and any(
            isinstance(index, Tensor) and index.dtype == torch.bool for index in args[1]
        )
        if are_there and (by_mask or name in _OPERATORS):
            self.note()
        made = func(*args, **kwargs)
        if are_there:
            self.add(each for each in tree_leaves(made) if isinstance(each, Tensor))
        return made


class _Methods(TorchFunctionMode):
    """Of those that no operator stands behind on a CPU."""

    def __init__(self, watch: WaitWatch) -> None:
        super().__init__()
        self.watch = watch

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in _METHODS and args and self.watch.has(args[0]):
            self.watch.note()
        return func(*args, **(kwargs or {}))
