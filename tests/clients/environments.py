"""The clients' own environments, in `.venv-clients/<client>`: made once, and again when what they hold changes.

    python -m tests.clients.environments [CLIENT ...]

uv is used where it is installed, else venv and pip. Node comes from PyPI, pinned as all the rest.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1] / ".venv-clients"
CLIENTS = tuple(sorted(path.parent.name for path in HERE.glob("*/requirements.txt")))
_PINS = ("requirements.txt", "package.json", "package-lock.json")


def environment(client: str) -> Path:
    """The folder of one client's environment, made where it is not there or no longer right.

    Raises:
        subprocess.CalledProcessError: uv, pip or npm failed; what they said is on stderr.
    """
    pins = [HERE / client / name for name in _PINS if (HERE / client / name).exists()]
    made_by = [Path(__file__), *pins]
    digest = hashlib.sha256(sys.version.encode() + b"".join(path.read_bytes() for path in made_by)).hexdigest()
    home = ROOT / client
    stamp = home / "made-of"
    if stamp.exists() and stamp.read_text() == digest:
        return home
    print(f"making the environment of {client} …", file=sys.stderr, flush=True)
    shutil.rmtree(home, ignore_errors=True)
    _install_python(home, HERE / client / "requirements.txt")
    if (HERE / client / "package.json").exists():
        _install_node(home, HERE / client)
    stamp.write_text(digest)
    return home


def _install_python(home: Path, requirements: Path) -> None:
    python = str(home / "bin" / "python")
    if uv := shutil.which("uv"):
        _run(uv, "venv", "--quiet", "--python", sys.executable, str(home))
        _run(uv, "pip", "install", "--quiet", "--python", python, "-r", str(requirements))
    else:
        _run(sys.executable, "-m", "venv", str(home))
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", str(requirements))


def _install_node(home: Path, folder: Path) -> None:
    """`node_modules` beside the driver's copy, because Node looks for packages from where a script lies."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(folder / name, home / name)
    npm = (str(home / "bin" / "npm"), "ci", "--no-audit", "--no-fund", "--loglevel=error")
    _run(*npm, cwd=home, path=home / "bin")


def _run(*command: str, cwd: Path | None = None, path: Path | None = None) -> None:
    env = dict(os.environ)
    if path is not None:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    subprocess.run(command, cwd=cwd, env=env, check=True, timeout=900, stdout=sys.stderr)


if __name__ == "__main__":
    for wanted in sys.argv[1:] or CLIENTS:
        environment(wanted)
