"""One name for one thing in every command; other spellings, and names of earlier versions, are understood too."""

# As typed, without dashes in front: the name that help shows.
_SAME = {
    "photo": "photos",
    "content": "photos",
    "content-image": "photos",
    "style-image": "style",
    "html": "output",
    "out": "output",
    "judge": "loss-network",
    "crop": "size",
    "batch": "batch-size",
    "licence": "license",
    "keep-colour": "keep-color",
    "lr": "learning-rate",
}


def option_name(typed: str) -> str:
    """The name of an option in help, for what somebody typed; both without dashes in front.

    Names with a dot belong to Lightning, which writes them with underscores.
    """
    if "." in typed:
        return typed.replace("-", "_")
    dashed = typed.replace("_", "-")
    return _SAME.get(dashed, dashed)
