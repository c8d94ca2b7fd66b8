"""The report of a fault of tierkit: where it happened, and nothing of anybody's data."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from contextlib import suppress
from pathlib import Path

import tierkit

_COMMANDS = "abcdefghijklmnopqrstuvwxyz-"


def fault_text(error: BaseException, *, command: str) -> str:
    """Return what can be sent of a fault: releases, the command's name, the places in the code.

    Messages, values, arguments and paths of the person are left out.

    Examples
    --------
    >>> try:
    ...     raise KeyError("A-17 of Acme")
    ... except KeyError as caught:
    ...     "Acme" in fault_text(caught, command="check")
    False
    """
    from tierkit.publishing import package_versions

    name = command if command and set(command) <= set(_COMMANDS) else "(none)"
    lines = [f"tierkit {tierkit.__version__}: {name} failed", platform.platform()]
    lines += [f"{package} {release}" for package, release in package_versions().items()]
    cause: BaseException | None = error
    while cause is not None:
        lines.append(f"{type(cause).__module__}.{type(cause).__qualname__}")
        lines += [_place(frame) for frame in traceback.extract_tb(cause.__traceback__)]
        cause = cause.__cause__ or cause.__context__
    return "\n".join(lines) + "\n"


def write_fault_report(error: BaseException, *, command: str) -> Path | None:
    """Write the report into the system's folder for such files; None where that cannot be."""
    with suppress(OSError):
        descriptor, name = tempfile.mkstemp(prefix="tierkit-fault-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(fault_text(error, command=command))
        return Path(name)
    return None


def _place(frame: traceback.FrameSummary) -> str:
    """Return a place in code: the path below the folder of packages, the line, the function."""
    parts = Path(frame.filename).parts
    known = [at for at, part in enumerate(parts) if part in ("site-packages", "tierkit", "lib")]
    shown = "/".join(parts[known[-1] :]) if known else parts[-1]
    return f"  {shown}:{frame.lineno} {frame.name}"
