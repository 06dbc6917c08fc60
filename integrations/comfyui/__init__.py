"""Nodes for ComfyUI: load a style network, paint images with it.

Copy this folder into ComfyUI/custom_nodes/ as comfyui-fststyle, and `pip install fststyle` into ComfyUI's Python.
Networks are found in ComfyUI/models/fststyle/, and by the names that `fststyle models` lists.
"""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np

_FOLDER = "fststyle"


def _network_files() -> dict[str, Path]:
    """The .onnx files in ComfyUI/models/fststyle/, by name."""
    import folder_paths  # ComfyUI's

    if _FOLDER not in folder_paths.folder_names_and_paths:
        place = str(Path(folder_paths.models_dir) / _FOLDER)
        folder_paths.folder_names_and_paths[_FOLDER] = ([place], {".onnx"})
    paths = {name: folder_paths.get_full_path(_FOLDER, name) for name in folder_paths.get_filename_list(_FOLDER)}
    return {name: Path(path) for name, path in paths.items() if path is not None}


def _network_names() -> list[str]:
    from fststyle import networks
    from fststyle.model.gallery import fetchable

    return [*_network_files(), *sorted({*networks(), *fetchable()})]


class LoadStyleNetwork:
    """One network, opened once for as long as its file and the device stay the same."""

    RETURN_TYPES = ("FSTSTYLE_NETWORK",)
    RETURN_NAMES = ("network",)
    FUNCTION = "load"
    CATEGORY = "fststyle"
    DESCRIPTION = "A style network: a file in models/fststyle/, or one that comes with fststyle."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 -- ComfyUI's
        return {
            "required": {
                "name": (_network_names(),),
                "device": (["auto", "cpu", "cuda", "directml", "coreml"], {"default": "auto"}),
            },
            "optional": {"hub": ("STRING", {"default": "", "tooltip": "hf:USER/NAME instead of a name"})},
        }

    @classmethod
    def IS_CHANGED(cls, name: str, device: str, hub: str = "") -> Any:  # noqa: N802 -- ComfyUI's
        path = _network_files().get(name)
        return (device, hub, name, path and (path.stat().st_mtime_ns, path.stat().st_size))

    def load(self, name: str, device: str, hub: str = "") -> tuple[Any]:
        from fststyle import Stylizer

        source = hub.strip() or _network_files().get(name, name)
        return (Stylizer(source, device),)


class PaintWithStyle:
    """Images painted, one after the other; they keep their size."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "paint"
    CATEGORY = "fststyle"
    DESCRIPTION = "Paints images with a style network. As a video, frames follow each other without flicker."

    _UNIT: ClassVar = {"min": 0.0, "max": 1.0, "step": 0.05}

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, Any]:  # noqa: N802 -- ComfyUI's
        return {
            "required": {
                "network": ("FSTSTYLE_NETWORK",),
                "image": ("IMAGE",),
                "strength": ("FLOAT", {"default": 1.0, **cls._UNIT}),
                "scale": ("FLOAT", {"default": 1.0, "min": 0.1, "max": 10.0, "step": 0.1}),
                "keep_color": ("BOOLEAN", {"default": False}),
                "as_video": ("BOOLEAN", {"default": False, "tooltip": "the batch is the frames of a clip"}),
            },
            "optional": {"mask": ("MASK",)},
        }

    def paint(
        self,
        network: Any,
        image: Any,
        strength: float,
        scale: float,
        keep_color: bool,
        as_video: bool,
        mask: Any = None,
    ) -> tuple[Any]:
        """Take and give (B, H, W, C), float 0..1, as torch tensors; the mask is (B, H, W) or (H, W), 1 is painted."""
        import torch

        from fststyle import Controls, stylize_frames

        pixels = _bytes(image)
        masks = None if mask is None else _bytes(mask).reshape(-1, *mask.shape[-2:])
        if masks is not None and len(masks) not in (1, len(pixels)):
            raise ValueError(f"{len(masks)} masks for {len(pixels)} images; give one, or one for each")

        def controls(number: int) -> Any:
            own = None if masks is None else masks[number if len(masks) > 1 else 0]
            return Controls(strength=strength, scale=scale, keep_color=keep_color, mask=own)

        if as_video and (masks is None or len(masks) == 1):
            painted = list(stylize_frames(network, list(pixels[..., :3]), controls(0)))
        else:
            painted = [network(frame, controls(number)) for number, frame in enumerate(pixels[..., :3])]
        answer = torch.from_numpy(np.stack(painted).astype(np.float32) / 255)
        if image.shape[-1] == 4:  # transparency stays
            answer = torch.cat([answer, image[..., 3:].to(answer)], dim=-1)
        return (answer,)


def _bytes(tensor: Any) -> Any:
    values = tensor.detach().cpu().float().numpy()
    return (np.clip(values, 0, 1) * 255 + 0.5).astype(np.uint8)


NODE_CLASS_MAPPINGS = {"FststyleLoad": LoadStyleNetwork, "FststylePaint": PaintWithStyle}
NODE_DISPLAY_NAME_MAPPINGS = {"FststyleLoad": "Load style network", "FststylePaint": "Paint with style network"}
