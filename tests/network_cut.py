"""A network that is cut off: for this process while a variable is set, and for all it starts."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "NETWORK_CUT_NOTES"
"""Names the file that notes who reached for the network; nothing is cut while it is unset."""
_HERE = ("127.0.0.1", "::1", "localhost")
_ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_REACHING = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")


def refuse(event: str, args: tuple[object, ...]) -> None:
    """Refuse whatever would leave this computer; sockets with a path as address stay."""
    notes = os.environ.get(VARIABLE)
    if notes is None or event not in (*_ASKING, *_REACHING):
        return
    address = args[0] if event in _ASKING else args[1]
    if event in _REACHING and not isinstance(address, tuple):
        return
    host = address[0] if isinstance(address, tuple) else address
    if str(host) not in _HERE:
        with Path(notes).open("a", encoding="utf-8") as file:
            file.write(f"{event} {host}\n")
        raise OSError(101, "Network is unreachable")


@contextmanager
def network_cut(folder: Path) -> Iterator[Path]:
    """Cut the network off while the block runs; give the file of notes, absent where none is."""
    notes, site = folder / "notes.txt", folder / "site"
    site.mkdir(parents=True)
    (site / "sitecustomize.py").write_text("import network_cut\nnetwork_cut.begin()\n")
    before = {name: os.environ.get(name) for name in (VARIABLE, "PYTHONPATH")}
    path = [str(site), str(Path(__file__).parent), before["PYTHONPATH"] or ""]
    os.environ |= {VARIABLE: str(notes), "PYTHONPATH": os.pathsep.join(filter(None, path))}
    begin()
    try:
        yield notes
    finally:
        for name, value in before.items():
            os.environ.pop(name)
            if value is not None:
                os.environ[name] = value


def begin() -> None:
    """Have Python ask before every socket; it cannot be taken back, so once is enough."""
    if not hasattr(sys, "_network_cut"):
        sys._network_cut = True
        sys.addaudithook(refuse)
