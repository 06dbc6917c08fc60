"""Paint a photo with OpenCV's dnn module alone.

python examples/opencv_dnn.py models/starry_night.onnx photo.jpg painted.png
"""

import sys

import cv2
import numpy as np


def main(model: str, photo: str, output: str) -> None:
    network = cv2.dnn.readNetFromONNX(model)
    picture = cv2.imread(photo)  # (H, W, 3), BGR, uint8, upright
    if picture is None:
        sys.exit(f"{photo} cannot be read")
    network.setInput(cv2.dnn.blobFromImage(picture, 1 / 255, swapRB=True), "content")
    stylized = network.forward("stylized")[0]  # (3, H, W), RGB, 0..1
    pixels = (stylized.clip(0, 1) * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    cv2.imwrite(output, pixels[:, :, ::-1])


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
