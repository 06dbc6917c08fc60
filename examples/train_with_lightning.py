"""Train a style with a Trainer of your own, export it, and paint a photo.

python examples/train_with_lightning.py painting.jpg photos/ mine.onnx
"""

import sys
from pathlib import Path

import pytorch_lightning as pl
from PIL import Image

from fststyle import Stylizer, samples
from fststyle.training import ContentData, Cost, StyleTransferModule, export_checkpoint


def main(painting: Path, photos: Path, output: Path, steps: int = 4000) -> None:
    module = StyleTransferModule(
        style=painting,
        name=painting.stem,
        network="fast",
        cost=Cost(style_weight=1.0, temporal_weight=0.5),
    )
    data = ContentData(root=photos, crop=256, batch_size=1)
    trainer = pl.Trainer(max_steps=steps, logger=False, enable_checkpointing=False)
    trainer.fit(module, data)

    checkpoint = output.with_suffix(".ckpt")
    trainer.save_checkpoint(checkpoint)
    export_checkpoint(checkpoint, output, licence="MIT")

    stylizer = Stylizer.load(output)
    photo = Image.open(samples.photo_folder() / "cat.jpg")
    Image.fromarray(stylizer(photo)).save(output.with_suffix(".png"))


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*map(Path, sys.argv[1:]))
