"""The page that a network gets on the hub: its model card and its preview, made from what the file says of itself."""

import json
import re
from pathlib import Path
from typing import Any

from fststyle import samples
from fststyle.model.card import ModelCard
from fststyle.model.file import ModelFile
from fststyle.model.hub import PREFIX
from fststyle.paint.stylizer import Stylizer
from fststyle.pictures.files import encode_picture, fit_longer_side, read_picture
from fststyle.pictures.sheet import contact_sheet, middle_square
from fststyle.system.counts import counted

PREVIEW = "preview.jpg"

# Of the sample photos so many are shown, at so many pixels a side.
_SHOWN, _SIDE = 4, 256

# What the hub calls licenses; any other is "other", with a name.
_LICENSES = {
    *("mit", "apache-2.0", "bsd-2-clause", "bsd-3-clause", "unlicense", "gpl-3.0", "agpl-3.0", "lgpl-3.0", "openrail"),
    *("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-4.0"),
}


def preview_of(stylizer: Stylizer) -> bytes:
    """Sample photos above what the network makes of them, as JPEG."""
    step = max(1, len(samples.photos()) // _SHOWN)
    photos = [read_picture(path, min_side_hint=2 * _SIDE).rgb for path in samples.photos()[::step][:_SHOWN]]
    squares = [middle_square(fit_longer_side(photo, 3 * _SIDE), _SIDE) for photo in photos]
    sheet = contact_sheet([squares, [stylizer(square) for square in squares]])
    return encode_picture(sheet, None, Path(PREVIEW).suffix, quality=90)


def page_of(file: ModelFile, card: ModelCard, repo: str) -> str:
    """The README.md of the repository USER/NAME: front matter that the hub reads, then what people read."""
    painting = f" It was trained on *{_text(card.painting)}*." if card.painting else ""
    rows = {
        "Style": _text(card.style),
        "Painting": _text(card.painting or "not said"),
        "License": _text(card.licence),
        "Network": f"{_text(card.network)}, width {card.width:g}, {_text(card.precision)}",
        "File": f"{len(file.data):,} bytes, ONNX opset {file.opset}",
        "Pictures": _sizes(file, card),
        "Input": _end(file, file.input_name),
        "Output": _end(file, file.output_name),
        "Strength": "an input, 0 to 1" if file.takes_strength else "a cross-fade with the photo",
        "Training": f"{counted(card.steps, 'step')}, cost measured with {_text(card.loss_network)}",
        "Costs on held-out photos": ", ".join(f"{_text(name)} {value:.4g}" for name, value in card.costs.items()),
        "Made by": _text(card.created_by),
        "sha256 of the weights": f"`{_text(card.weights_sha256)}`",
    }
    table = "\n".join(f"| {name} | {value} |" for name, value in rows.items() if value)
    recipe = json.dumps(card.recipe, indent=2, sort_keys=True, ensure_ascii=False).replace("```", "` ` `")
    return f"""{_front_matter(card)}
# {repo.partition("/")[2]}

A style network that paints photos and videos.{painting}

![Photos above, painted below]({PREVIEW})

```bash
pip install 'fststyle[hub]'
fststyle stylize {PREFIX}{repo} photo.jpg
```

```python
from fststyle import Stylizer

painted = Stylizer("{PREFIX}{repo}")(photo)
```

Any runtime that reads ONNX can use the file without fststyle.

| | |
|---|---|
{table}

<details><summary>Settings of the training</summary>

```json
{recipe}
```

</details>
"""


def _front_matter(card: ModelCard) -> str:
    """What the hub reads: license, task and tags, as YAML; a JSON string is one of YAML, too."""
    slug = re.sub(r"[^a-z0-9.]+", "-", card.licence.lower()).strip("-")[:80] or "unspecified"
    fields: list[tuple[str, Any]] = [("license", slug if slug in _LICENSES else "other")]
    if slug not in _LICENSES:
        fields.append(("license_name", slug))
    fields += [
        ("library_name", "fststyle"),
        ("pipeline_tag", "image-to-image"),
        ("tags", ["style-transfer", "onnx", "fststyle"]),
    ]
    return "\n".join(["---", *(f"{name}: {json.dumps(value)}" for name, value in fields), "---"])


def _sizes(file: ModelFile, card: ModelCard) -> str:
    height, width = file.input_shape[2:]
    return f"{width}×{height} pixels only" if width and height else f"any size from {card.min_side} pixels a side"


def _end(file: ModelFile, name: str) -> str:
    if file.byte_pixels:
        return f"`{_text(name)}`: uint8 RGB, 0..255, (batch, height, width, 3)"
    return f"`{_text(name)}`: {file.takes.dtype} RGB, 0..1, (batch, 3, height, width)"


def _text(value: object) -> str:
    """One line that neither Markdown nor HTML reads anything into."""
    return re.sub(r"([\\`*_\[\]|<>])", r"\\\1", " ".join(str(value).split()))
