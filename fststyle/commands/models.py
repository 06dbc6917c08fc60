"""`fststyle models`: which networks come with the package."""

import json
from typing import Annotated

import typer


def models(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the networks that come with fststyle; every command takes their names."""
    from rich.console import Console
    from rich.table import Table

    from fststyle.model.file import read_model
    from fststyle.model.gallery import networks

    files = {name: read_model(path) for name, path in networks().items()}
    if as_json:
        found = [
            {
                "name": name,
                "style": file.card.style if file.card else name,
                "painting": file.card.painting if file.card else None,
                "network": file.card.network if file.card else None,
                "licence": file.card.licence if file.card else None,
                "bytes": len(file.data),
            }
            for name, file in files.items()
        ]
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    table = Table("name", "painting", "network", box=None, pad_edge=False)
    table.add_column("MB", justify="right")
    for name, file in files.items():
        painting, network = (file.card.painting, file.card.network) if file.card else (None, None)
        table.add_row(name, painting, network, f"{len(file.data) / 1e6:.1f}")
    Console().print(table, markup=False, highlight=False)
