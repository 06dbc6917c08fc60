"""`fststyle models`: the networks that have a name, and whether they are on this machine."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from fststyle.model.fetch import Remote


def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the networks of fststyle; every command takes their names.

    A network that is not on this machine is fetched when a command first needs it.
    """
    from rich.console import Console
    from rich.table import Table

    from fststyle.model.gallery import fetchable, networks

    here, remote = networks(), fetchable()
    found = [
        _of_registry(name, remote[name], here.get(name)) if name in remote else _of_file(name, here[name])
        for name in sorted({*here, *remote})
    ]
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("name", "painting", "network", box=None, pad_edge=False)
    table.add_column("MB", justify="right")
    table.add_column("where")
    for row in found:
        table.add_row(
            *(row["name"], row["painting"], row["network"]),
            *(f"{row['bytes'] / 1e6:.1f}", "here" if row["here"] else "to fetch"),
        )
    Console().print(table, markup=False, highlight=False)


def _of_file(name: str, path: "Path") -> dict[str, Any]:
    from fststyle.model.file import read_model

    file = read_model(path)
    card = file.card
    return {
        "name": name,
        "style": card.style if card else name,
        "painting": card.painting if card else None,
        "network": card.network if card else None,
        "licence": card.licence if card else None,
        "bytes": len(file.data),
        "here": True,
        "path": str(path),
    }


def _of_registry(name: str, remote: "Remote", path: "Path | None") -> dict[str, Any]:
    """The same fields. A file that is not here has, instead of a path, what somebody needs to get it by hand."""
    from fststyle.model.fetch import address_of, cached_file

    place = {"path": str(path)} if path else {"url": address_of(name), "goes_to": str(cached_file(name))}
    return {
        "name": name,
        "style": remote.style,
        "painting": remote.painting,
        "network": remote.network,
        "licence": remote.licence,
        "bytes": remote.size,
        "sha256": remote.sha256,
        "here": path is not None,
        **place,
    }
