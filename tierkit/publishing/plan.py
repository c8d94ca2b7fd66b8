"""A run under way: what it works with, where it works, and what its steps took."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tierkit.calendar import Quarter
from tierkit.errors import SettingsError
from tierkit.files import read_json, write_whole
from tierkit.publishing import manifest
from tierkit.publishing.leaks import local_paths
from tierkit.settings import Settings, parse_settings

FILE_NAME = "settings.json"


@dataclass(frozen=True)
class Handover:
    """The inputs that a run hands to its notebooks.

    Attributes
    ----------
    settings
        The effective ones: `tierkit.toml` with `--set` put over it.
    quarter
        The quarter of the report.
    model_file
        The model to use instead of fitting one, None to fit.
    set_overrides
        What `--set` said, as it was written.
    draft
        The name of a what-if that is not published; empty for a report that is.
    """

    settings: Settings
    quarter: Quarter
    model_file: Path | None = None
    set_overrides: tuple[str, ...] = ()
    draft: str = ""


def write_handover(run_folder: Path, handover: Handover) -> Path:
    """Write what the notebooks of a run work with to `settings.json` in its folder."""
    content = {
        "project": str(handover.settings.folder.resolve()),
        "quarter": handover.quarter.label,
        "model_file": str(handover.model_file.resolve()) if handover.model_file else None,
        "set": list(handover.set_overrides),
        "draft": handover.draft,
        "settings": handover.settings.model_dump(mode="json"),
    }
    path = run_folder / FILE_NAME
    write_whole(path, json.dumps(content, indent=1, ensure_ascii=False), lasting=False)
    return path


def read_handover(run_folder: str | Path) -> Handover:
    """Read what `write_handover` wrote; relative paths start at the project's folder again.

    Raises
    ------
    SettingsError
        If the folder is not that of a run.
    """
    path = Path(run_folder) / FILE_NAME
    try:
        content = read_json(path)
        settings = parse_settings(content["settings"], name=FILE_NAME)
        settings._folder = Path(content["project"])
        model, overrides = content["model_file"], content["set"]
        return Handover(
            settings=settings,
            quarter=settings.fiscal_calendar.parse(content["quarter"]),
            model_file=Path(model) if model else None,
            set_overrides=_texts(overrides),
            draft=str(content.get("draft") or ""),
        )
    except (OSError, ValueError, KeyError) as error:
        raise SettingsError(f"{path}: is not the folder of a run ({error}).") from error


def _texts(values: Sequence[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


OnStep = Callable[[str], None]


@dataclass(frozen=True)
class PageWriters:
    """The writers of everything that is made of a report's facts and not of its notebooks.

    Attributes
    ----------
    summary
        Gives the text of the mail from the facts.
    slides
        Writes slides of the facts to a path; gives why it could not, or nothing.
    index
        Writes the list of all reports into their folder, under a title.
    """

    summary: Callable[[Mapping[str, Any]], str]
    slides: Callable[[Mapping[str, Any], Path], str]
    index: Callable[[Path, str], object]


@dataclass(frozen=True)
class ReportPlan:
    """The notebooks that make a report, and the figures and tables its pages must hold.

    Attributes
    ----------
    notebooks
        Their paths, in order; the last one holds the cells of the leadership page. Empty for those
        of tierkit or of the project.
    pages
        What is written of the facts.
    figures, tables
        Page → names that must stand there.
    prepare
        Called with what the notebooks work with and the run's folder, before the first of them.
    beside
        Called with the run's folder once `prepare` is done; what it gives is entered before the
        first notebook and left after the last.
    extras
        Called with the run's folder, the report's folder and what takes a line per step, once the
        pages stand: it writes what else a report holds, such as dossiers.
    keeps_rows
        Whether the remains of a failed run hold the rows that it worked with.
    on_published
        Called with the run's folder once the report is published, before the folder goes.
    """

    notebooks: tuple[Path, ...] = ()
    pages: PageWriters = field(kw_only=True)
    figures: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tables: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    prepare: Callable[[Handover, Path], object] | None = None
    beside: Callable[[Path], AbstractContextManager[object]] = nullcontext
    extras: Callable[[Path, Path, OnStep], object] | None = None
    keeps_rows: bool = False
    on_published: Callable[[Path], object] | None = None


@dataclass
class RunContext:
    """The state that the steps of a run share; only `stages` grows.

    Attributes
    ----------
    handover, plan
        What the notebooks work with; which they are, and what must stand on the pages.
    on_step
        Called with one line per step.
    run_id, started
        Its name and its time, which stand in `run.json` alone.
    stages
        What each step took so far.
    """

    handover: Handover
    plan: ReportPlan
    on_step: OnStep
    run_id: str = field(default_factory=manifest.new_run_id)
    started: str = field(default_factory=manifest.now)
    stages: list[manifest.Stage] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        """The effective settings."""
        return self.handover.settings

    @property
    def label(self) -> str:
        """The quarter's label."""
        return self.handover.quarter.label

    @property
    def folder(self) -> Path:
        """The folder the notebooks work in; whatever lies in `runs` is under way, or left over."""
        return self.settings.scratch / "runs" / self.run_id

    @property
    def report(self) -> Path:
        """The folder in which the finished report is put together."""
        return self.folder / "report"

    @property
    def partial(self) -> Path:
        """The folder in which runs of some notebooks leave their work."""
        return self.settings.scratch / "partial" / self.label

    @property
    def title(self) -> str:
        """The name of the company or project."""
        return self.settings.run.title or self.settings.folder.resolve().name

    @property
    def replacements(self) -> list[tuple[str, str]]:
        """Local paths, and what stands for them in files."""
        return local_paths(self.settings.folder.resolve(), self.folder.resolve())

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Note what a step takes and tell of it when it is done."""
        begun = time.monotonic()
        yield
        seconds = time.monotonic() - begun
        self.stages.append(
            manifest.Stage(name, round(seconds, 3), manifest.peak_memory(os.getpid()))
        )
        self.on_step(f"{name}: {seconds:.1f} s")
