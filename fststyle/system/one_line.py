"""What an error says, for a message of ours."""


def one_line(error: object, most: int | None = None) -> str:
    """Its text without line breaks, at most so many letters; its class if it says nothing."""
    return " ".join(str(error).split())[:most] or type(error).__name__
