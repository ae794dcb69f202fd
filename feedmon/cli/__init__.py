"""The command line. Commands are found by name and imported only when used, so that each starts quickly.

A new command is one file here and one line in :data:`COMMANDS`. Whatever raises :class:`BadInput` is told to the
person one problem a line, and the program ends with 2.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from feedmon import __version__
from feedmon.model.problems import BadInput

COMMANDS = {
    "demo": "feedmon.cli.demo:demo",
    "run": "feedmon.cli.run:run",
    "meeting": "feedmon.cli.meeting:meeting",
    "seal": "feedmon.cli.seal:seal",
    "rules": "feedmon.cli.rules:rules",
    "try": "feedmon.cli.try_:try_",
    "judge": "feedmon.cli.judge:judge",
    "sources": "feedmon.cli.sources:sources",
    "capture": "feedmon.cli.capture:capture",
    "record": "feedmon.cli.record:record",
    "rehearse": "feedmon.cli.rehearse:rehearse",
    "verify": "feedmon.cli.verify:verify",
    "report": "feedmon.cli.report:report",
}


class _Commands(click.Group):
    """The group of all commands, each imported when asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BadInput as bad:
            for problem in bad.problems:
                click.echo(str(problem), err=True)
            ctx.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="feedmon")
def cli() -> None:
    """Follow a council meeting's public posts and show the clerk what may need a look.

    Every flag is a suggestion for a person, never a finding.
    """


def main() -> None:
    """The ``feedmon`` program."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    cli(prog_name="feedmon")
