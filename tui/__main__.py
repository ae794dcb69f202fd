"""``feedmon-desk``: open a desk on a running service."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import click

from tui.app import DeskApp
from tui.link import Address, Link, Unwelcome, first_word
from tui.plain import stream

TOKEN_VARIABLE = "FEEDMON_TOKEN"  # noqa: S105 (the name of a variable, not a token)


@click.command()
@click.option("--url", default="http://127.0.0.1:8642", show_default=True, help="Where the service is.")
@click.option("--meeting", metavar="ID", help="Which meeting, when the service follows several.")
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=f"A file that holds the service's token. Without it, the environment variable {TOKEN_VARIABLE} does.",
)
@click.option("--light", is_flag=True, help="Dark letters on a light ground.")
@click.option("--unveiled", is_flag=True, help="Show strong words and closed items' titles without being asked.")
@click.option(
    "--plain", is_flag=True, help="No screen: a line for each thing that happens, for screen readers and logs."
)
@click.option("--stops-service", is_flag=True, hidden=True, help="Closing this desk ends the service.")
def main(
    url: str,
    meeting: str | None,
    token_file: Path | None,
    light: bool,
    unveiled: bool,
    plain: bool,
    stops_service: bool,
) -> None:
    """Open the clerk's desk on a running service.

    The keys are shown at the bottom of the screen; ? explains them.
    """
    try:
        address = Address.of(url, _token(token_file))
        snapshot = asyncio.run(first_word(address, meeting))
    except Unwelcome as error:
        click.echo(f"feedmon-desk: {error}", err=True)
        sys.exit(2)
    link = Link(address, snapshot.meeting.id, snapshot.seq)
    if plain:
        sys.exit(asyncio.run(stream(snapshot, link, _write, discreet=not unveiled)))
    app = DeskApp(snapshot, link, light=light, stops_service=stops_service, discreet=not unveiled)
    app.run()
    if app.return_code:
        click.echo(
            f"feedmon-desk: the desk stopped by a fault of its own ({app.fault}). The service goes on and nothing is "
            "lost: open the desk again.",
            err=True,
        )
    sys.exit(app.return_code or 0)


def _write(told: str) -> None:
    """Put out one line at once, in whatever letters the reader's side can take. Raises OSError when it is gone."""
    try:
        sys.stdout.buffer.write(f"{told}\n".encode(sys.stdout.encoding or "utf-8", "replace"))
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that leaving does not fail on it again
        raise


def _token(file: Path | None) -> str:
    if file is None:
        token = os.environ.get(TOKEN_VARIABLE, "").strip()
        if not token:
            raise Unwelcome(f"A token is needed: put the service's token in {TOKEN_VARIABLE}, or in a --token-file.")
        return token
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise Unwelcome(f"The token file {file} cannot be read: {why}.") from error
    if not token:
        raise Unwelcome(f"The token file {file} is empty.")
    return token


if __name__ == "__main__":
    main()
