"""The chapters of the program: commands, exit codes, public functions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from functools import cached_property
from operator import attrgetter

import click

import tierkit
from tierkit.errors import TierkitError
from tierkit.reference.chapters import Chapter, Entry, words

MOST_WIDTH = 92
COMMANDS_LEAD = "Commands of `tierkit`, in the order in which a quarter's work takes them."
CODES_LEAD = (
    "How a command ended. On failure, standard error says what happened, where, the likely "
    "cause and what to do, in at most 15 lines; `--debug` shows the full trace."
)
FUNCTIONS_LEAD = (
    "Public names of `import tierkit as tk`. `sklearn.CardRegressor` is the same card for "
    "scikit-learn, and needs `import tierkit.sklearn`."
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
    entries = tuple(public_entry(name) for name in public_names())
    return Chapter("functions", "Public functions", FUNCTIONS_LEAD, {"": ("", entries)})


def public_names() -> list[str]:
    """Return the public names of `import tierkit`, and the estimator for scikit-learn."""
    names = [name for name in dir(tierkit) if name != "__version__"]
    return sorted([*names, "sklearn.CardRegressor"], key=str.lower)


def public_thing(name: str) -> object:
    """Return what a public name stands for."""
    import tierkit.sklearn

    return attrgetter(name)(tierkit)


def public_entry(name: str) -> Entry:
    """Return a public name with its signature, docstring and, of a class, its methods."""
    thing = public_thing(name)
    text = inspect.getdoc(thing) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    members = list(public_members(thing)) if inspect.isclass(thing) else []
    below = [f"\n.{inner}\n    {_first_line(member)}" for inner, member in members]
    body = "\n".join([call_of(name, thing), "", text, *below])
    return Entry(name, first, {"kind": "class" if members else "function"}, body=body)


def call_of(name: str, thing: object) -> str:
    """Return how a thing is called; of a settings model without the limits of its fields.

    Examples
    --------
    >>> print(call_of("gini", tierkit.gini))
    gini(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float
    """
    try:
        call = inspect.signature(thing)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return name
    given = [one for one in call.parameters.values() if one.name != "self"]
    if hasattr(thing, "model_fields"):
        given = [one.replace(annotation=inspect.Parameter.empty) for one in given]
    words = [_unquoted(str(one)) for one in given]
    named = [one.kind is inspect.Parameter.KEYWORD_ONLY for one in given]
    if any(named) and not any(one.kind is inspect.Parameter.VAR_POSITIONAL for one in given):
        words.insert(named.index(True), "*")
    end = (
        ""
        if call.return_annotation in (inspect.Signature.empty, None, "None")
        else (f" -> {call.return_annotation}")
    )
    line = f"{name}({', '.join(words)}){end}"
    below = ",\n    ".join(words)
    return line if len(line) <= MOST_WIDTH else f"{name}(\n    {below},\n){end}"


def _unquoted(parameter: str) -> str:
    """Return a parameter whose annotation stands as it was written, without quotation marks."""
    return re.sub(r"^(\*{0,2}\w+: )(['\"])(.*?)\2(?= = |$)", r"\1\3", parameter)


def public_members(thing: type) -> Iterator[tuple[str, object]]:
    """Return the methods and properties of a class that say what they are."""
    for name, member in vars(thing).items():
        inside = getattr(thing, name, None)
        if not name.startswith("_") and _is_documented(inside, member):
            yield name, inside


def _is_documented(inside: object, member: object) -> bool:
    return bool(inspect.getdoc(inside)) and (inspect.isroutine(inside) or _is_property(member))


def _first_line(member: object) -> str:
    return (inspect.getdoc(member) or "").splitlines()[0]


def _is_property(member: object) -> bool:
    return isinstance(member, property | cached_property)
