"""The chapters of the program: commands, exit codes, public functions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

import tierkit
from tierkit.errors import TierkitError
from tierkit.reference.chapters import Chapter, Entry, words

COMMANDS_LEAD = "Commands of `tierkit`, in the order in which a quarter's work takes them."
CODES_LEAD = (
    "How a command ended. On failure, standard error says what happened, where, the likely "
    "cause and what to do, in at most 15 lines; `--debug` shows the full trace."
)
FUNCTIONS_LEAD = (
    "Public names of `import tierkit as tk`. `tk.sklearn.CardRegressor` is the same card "
    "for scikit-learn."
)


def commands_chapter(application: click.Group) -> Chapter:
    """Return every command with its help, as `tierkit COMMAND --help` shows it."""
    context = click.Context(application, info_name="tierkit")
    entries = tuple(
        Entry(name, command.get_short_help_str(200), body=_help(context, name, command))
        for name, command in application.commands.items()
        if not command.hidden
    )
    return Chapter("commands", "Commands", COMMANDS_LEAD, {"": ("", entries)})


def _help(parent: click.Context, name: str, command: click.Command) -> str:
    context = click.Context(
        command,
        parent=parent,
        info_name=name,
        help_option_names=["-h", "--help"],
        terminal_width=96,
    )
    return command.get_help(context)


def exit_codes_chapter() -> Chapter:
    """Return every exit code with what to do."""
    entries = tuple(
        Entry(str(code), meaning["meaning"], {"what to do": meaning["fix"]})
        for code, meaning in words("exit_codes").items()
    )
    return Chapter("exit-codes", "Exit codes", CODES_LEAD, {"": ("", entries)})


def exit_codes_of_errors() -> set[int]:
    """Return the exit codes that errors carry.

    Examples
    --------
    >>> sorted(exit_codes_of_errors())
    [1, 2, 3, 4, 5, 6, 7, 8]
    """
    return {kind.exit_code for kind in _kinds(TierkitError)}


def _kinds(kind: type[TierkitError]) -> Iterator[type[TierkitError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def functions_chapter() -> Chapter:
    """Return every public name with its signature and docstring."""
    entries = tuple(public_entry(name) for name in sorted(dir(tierkit)) if name != "__version__")
    return Chapter("functions", "Public functions", FUNCTIONS_LEAD, {"": ("", entries)})


def public_entry(name: str) -> Entry:
    """Return a public name with its signature, docstring and, of a class, its methods."""
    thing = getattr(tierkit, name)
    text = inspect.getdoc(thing) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    try:
        call = f"{name}{inspect.signature(thing)}"
    except (TypeError, ValueError):
        call = name
    methods = list(_methods(thing)) if inspect.isclass(thing) else []
    body = "\n".join([call, "", text, *methods])
    return Entry(name, first, {"kind": "class" if methods else "function"}, body=body)


def _methods(thing: type) -> Iterator[str]:
    """Return the public methods of a class, each with the first line of its docstring."""
    for name, member in vars(thing).items():
        inside = inspect.getdoc(getattr(thing, name, None)) or ""
        if not name.startswith("_") and inside and (callable(member) or _is_property(member)):
            yield f"\n.{name}\n    {inside.splitlines()[0]}"


def _is_property(member: object) -> bool:
    return isinstance(member, property | classmethod | staticmethod)
