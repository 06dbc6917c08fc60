"""Numbers of things in sentences."""


def counted(number: int, thing: str) -> str:
    """Such as "1 photo" and "1,200 photos"; things whose plural ends with an s."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
