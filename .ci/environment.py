"""Makes, and remakes when needed, the project's own environment in ``.venv``. Needs only Python 3.11 and pip."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def ready() -> str:
    """The path of a Python that has feedmon and everything for its tests; made if it is not there yet.

    Ends the program with a plain word when it cannot be made.
    """
    if sys.version_info < (3, 11):  # noqa: UP036  # whoever runs this may have an older one
        sys.exit(f"feedmon needs Python 3.11 or later; this is {sys.version.split()[0]}.")
    stamp = VENV / "made-from"
    made_from = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    if PYTHON.exists() and stamp.exists() and stamp.read_text() == made_from:
        return str(PYTHON)
    print("Preparing feedmon's environment in .venv (once; about a minute) …", flush=True)
    venv.create(VENV, with_pip=False, clear=True)
    install(PYTHON, "--editable", f"{ROOT}[dev]")
    stamp.write_text(made_from)
    return str(PYTHON)


def install(python: Path, *what: str) -> None:
    """Install into the environment of ``python`` with this interpreter's own pip (22.3 or later has ``--python``)."""
    command = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "install", "-q"]
    done = subprocess.run([*command, *what], check=False)
    if done.returncode:
        sys.exit("pip (22.3 or later, with a network) could not install what feedmon needs; its own words are above.")


def run(*command: str, cwd: Path = ROOT) -> int:
    """Run a command there, and give its exit code."""
    try:
        return subprocess.run(command, cwd=cwd, check=False).returncode
    except KeyboardInterrupt:
        return 130
