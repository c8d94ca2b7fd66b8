"""A page executed: its files are written, its commands and cells run, outputs stand below them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import tomlkit
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from docsite.blocks import Block, commands, find_blocks

HOME = "~"
SHOWN_LINES = 14
LONG = 2.0  # seconds from which on a page says how long a command took
MOST_WIDTH = 118


class FailedBlockError(Exception):
    """A block of a page did not do what the page says."""


@dataclass
class Workplace:
    """The folder in which a page runs, and the seconds that its commands took.

    Attributes
    ----------
    bin
        A folder with the commands `tierkit` and `python` of this interpreter.
    """

    folder: Path
    bin: Path
    seconds: list[float] = field(default_factory=list)
    scheduled: set[str] = field(default_factory=set)

    @property
    def environment(self) -> dict[str, str]:
        """What commands and kernels find: nothing of the terminal that builds the site."""
        path = os.pathsep.join([str(self.bin), os.environ.get("PATH", "")])
        return {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}

    def run(self, command: str) -> tuple[int, str]:
        """Run a command as a person would type it; return its exit code and what it wrote."""
        begun = time.monotonic()
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.seconds.append(time.monotonic() - begun)
        return done.returncode, self.clean(done.stdout)

    def clean(self, text: str) -> str:
        """Return output without the paths of this computer."""
        return text.replace(f"{self.folder.resolve()}", HOME).replace(str(self.folder), HOME)


def execute(page: str, workplace: Workplace) -> str:
    """Return the page with the outputs of its blocks.

    Raises
    ------
    FailedBlockError
        If a command ends with another code than the page says, or a cell raises.
    """
    lines, blocks = page.splitlines(), list(find_blocks(page))
    cells = _Cells(workplace)
    replaced: dict[int, list[str]] = {}
    try:
        for block in blocks:
            if block.is_run:
                replaced[block.first] = _run_block(block, workplace, cells)
    finally:
        cells.close()
    ends = {block.first: block.last for block in blocks}
    out, number = [], 0
    while number < len(lines):
        if number in replaced:
            out += replaced[number]
            number = ends[number]
        else:
            out.append(lines[number])
        number += 1
    return _say_times("\n".join(out) + "\n", workplace)


def _run_block(block: Block, workplace: Workplace, cells: _Cells) -> list[str]:
    if block.language == "console":
        return _console(block, workplace)
    if block.language in SCHEDULES:
        return _schedule(block, workplace)
    if "title" in block.options:
        write_file(workplace.folder / block.options["title"], block)
        return [f'```{block.language} title="{block.options["title"]}"', block.text, "```"]
    return ["```python", block.text, "```", *cells.run(block)]


def _console(block: Block, workplace: Workplace) -> list[str]:
    wanted, shown = (
        int(block.options.get("exit", "0")),
        int(block.options.get("lines", SHOWN_LINES)),
    )
    out, seconds = ["```console"], 0.0
    asked = commands(block)
    for place, command in enumerate(asked):
        code, output = workplace.run(command)
        seconds += workplace.seconds[-1]
        if code != (wanted if place == len(asked) - 1 else 0):
            raise FailedBlockError(
                f"line {block.first + 1}: `{command}` ended with {code}, not {wanted}:\n{output}"
            )
        out += [f"$ {command}", *_first(output, shown)]
    out.append("```")
    return [*out, "", f"*{duration(seconds)}*{{ .took }}"] if seconds >= LONG else out


SCHEDULES = {"cron": "text", "dag": "python", "yaml": "yaml"}
"""Files of schedulers, and what they are shown as: the commands in them are run."""

_IN_FILE = re.compile(r"tierkit (?:check|run)(?: (?!>)(?!&)[^\s\"]+)*|\"tierkit\", [^\]]+")


def _schedule(block: Block, workplace: Workplace) -> list[str]:
    """Compile a scheduler's file where it is Python, and run every command of tierkit in it."""
    if block.language == "dag":
        compile(block.text, "dag.py", "exec")
    found = [re.sub(r"[\",]+", "", one).strip() for one in _IN_FILE.findall(block.text)]
    if not found:
        raise FailedBlockError(f"line {block.first + 1}: the block runs nothing of tierkit")
    for command in found:
        given = command if "-f" in command else f"{command} -f acme"
        given = given.replace(" --hooks", "").replace(" --dry-run", "")
        dry = given if "check" in given else f"{given} --dry-run"
        if dry in workplace.scheduled:  # the same two commands stand in every scheduler's file
            continue
        workplace.scheduled.add(dry)
        code, output = workplace.run(dry)
        if code:
            raise FailedBlockError(f"line {block.first + 1}: `{dry}` ended with {code}:\n{output}")
    return [f"```{SCHEDULES[block.language]}", block.text, "```"]


def _first(output: str, shown: int) -> list[str]:
    lines = [line.rstrip()[:MOST_WIDTH] for line in output.rstrip().splitlines()]
    hidden = len(lines) - shown
    return lines if hidden <= 1 else [*lines[:shown], f"… {hidden} more lines"]


def write_file(path: Path, block: Block) -> None:
    """Write the file that a block shows; lines of TOML are set in the file that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.language == "diff":
        path.write_text(changed(path.read_text(encoding="utf-8"), block), encoding="utf-8")
    elif block.language == "toml" and path.exists():
        there = tomlkit.parse(path.read_text(encoding="utf-8"))
        _set(there, tomlkit.parse(block.text))
        path.write_text(tomlkit.dumps(there), encoding="utf-8")
    else:
        path.write_text(f"{block.text}\n", encoding="utf-8")


def changed(text: str, block: Block) -> str:
    r"""Return a text with the lines that `-` shows replaced by those that `+` shows.

    Examples
    --------
    >>> changed("a = 1\nb = 20\nb = 2\n", Block("diff", "-b = 2\n+b = 3", 0, 0))
    'a = 1\nb = 20\nb = 3\n'
    """
    lines = block.text.splitlines()
    old = "".join(f"\n{line[1:]}" for line in lines if not line.startswith("+"))
    new = "".join(f"\n{line[1:]}" for line in lines if not line.startswith("-"))
    whole = f"\n{text}"
    if whole.count(f"{old}\n") != 1:
        raise FailedBlockError(f"line {block.first + 1}: the file does not hold once:{old}")
    return whole.replace(f"{old}\n", f"{new}\n")[1:]


def _set(there: dict, given: dict) -> None:  # type: ignore[type-arg]
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(there.get(key), dict):
            _set(there[key], value)
        else:
            there[key] = value


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Examples
    --------
    >>> duration(7.6), duration(125)
    ('8 seconds', '2 minutes 5 seconds')
    """
    minutes, rest = divmod(round(seconds), 60)
    said = f"{rest} second{'' if rest == 1 else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'} {said}" if minutes else said


def _say_times(page: str, workplace: Workplace) -> str:
    return page.replace("{{ time of all commands }}", duration(sum(workplace.seconds)))


class _Cells:
    """The Python blocks of a page: cells of one kernel, which starts with the first of them."""

    def __init__(self, workplace: Workplace) -> None:
        self.workplace = workplace
        self.notebook = nbformat.v4.new_notebook()
        self.client: NotebookClient | None = None
        self.context = None

    def run(self, block: Block) -> list[str]:
        """Run a block and return its outputs as lines of Markdown."""
        if self.client is None:
            path = os.environ["PATH"]
            os.environ["PATH"] = self.workplace.environment["PATH"]
            resources = {"metadata": {"path": str(self.workplace.folder)}}
            self.client = NotebookClient(self.notebook, kernel_name="python3", resources=resources)
            self.context = self.client.setup_kernel()
            self.context.__enter__()
            os.environ["PATH"] = path
        cell = nbformat.v4.new_code_cell(block.text)
        self.notebook.cells.append(cell)
        try:
            self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        except CellExecutionError as error:
            raise FailedBlockError(f"line {block.first + 1}: {error}") from error
        return list(self._outputs(cell, int(block.options.get("lines", SHOWN_LINES))))

    def close(self) -> None:
        """End the kernel."""
        if self.context is not None:
            self.context.__exit__(None, None, None)

    def _outputs(self, cell: nbformat.NotebookNode, shown: int) -> Iterator[str]:
        for output in cell.outputs:
            data = output.get("data", {})
            if output.output_type == "stream" and output.name == "stderr":
                continue
            if "text/html" in data:
                yield from ("", f'<div class="output">{_one_line(data["text/html"])}</div>', "")
            elif "image/png" in data:
                source = f"data:image/png;base64,{data['image/png'].strip()}"
                yield from ("", f'<img alt="The figure that the block draws." src="{source}">', "")
            else:
                text = output.get("text") or data.get("text/plain", "")
                yield from ("", "```text", *_first(self.workplace.clean(text), shown), "```", "")


def _one_line(html: str) -> str:
    """Return HTML that Markdown leaves alone: without empty lines and styles of its own."""
    bare = re.sub(r"<style.*?</style>", "", html, flags=re.DOTALL)
    return re.sub(r"\s*\n\s*", " ", bare)


def make_commands(folder: Path) -> Path:
    """Write the commands `tierkit` and `python` of this interpreter into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, arguments in (
        ("tierkit", "-m tierkit.cli "),
        ("python", ""),
        ("papermill", "-m papermill "),
    ):
        file = folder / name
        file.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments}"$@"\n')
        file.chmod(0o755)
    return folder
