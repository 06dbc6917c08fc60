"""Paint a photo with onnxruntime, numpy and Pillow. fststyle does not need to be installed.

python examples/onnxruntime_alone.py models/starry_night.onnx photo.jpg painted.png [STRENGTH]
"""

import sys

import numpy as np
import onnxruntime
from PIL import Image, ImageOps


def main(model: str, photo: str, output: str, strength: float | None = None) -> None:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    rgb = np.asarray(ImageOps.exif_transpose(Image.open(photo)).convert("RGB"))
    content = rgb.transpose(2, 0, 1)[None].astype(np.float32) / 255  # (1, 3, H, W), 0..1
    feeds = {"content": content}
    # Only networks that were trained for it have this input, and it has a default.
    if "strength" in {value.name for value in session.get_overridable_initializers()} and strength is not None:
        feeds["strength"] = np.array([strength], np.float32)
    (stylized,) = session.run(["stylized"], feeds)
    Image.fromarray((stylized[0].clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)).save(output)

    card = session.get_modelmeta().custom_metadata_map
    print(card["fststyle.style"], card["fststyle.licence"], "sides of at least", card["fststyle.min_side"])


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit(__doc__)
    main(*sys.argv[1:4], *map(float, sys.argv[4:]))
