"""`python -m docsite.build`: the site in `build/docs`, from pages, code and what they do when run.

Everything that can fail does so here: a block that ends with another code than its page says, a
link to nowhere, a page that no part of the site lists.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import tomlkit

from docsite.blocks import find_blocks
from docsite.contrast import palette
from docsite.evidence import built_from, measured, with_results
from docsite.execute import FailedBlockError, Workplace, execute, make_commands
from docsite.exports import write_exports
from docsite.figures import with_figures
from docsite.memory import Memory, code, hash_of
from docsite.notebooks import write_notebooks
from docsite.pictures import take_picture
from docsite.reference import missing_from_reference, write_reference
from docsite.sample import copy_sample, make_sample

ROOT = Path(__file__).parent.parent
PAGES, BUILD = ROOT / "docs", ROOT / "build"
SOURCE, WORK, SITE = BUILD / "docs-source", BUILD / "docs-work", BUILD / "docs"
MEMORY = Memory(BUILD / "docs-memory")
BESIDE_DOCS = ("CHANGELOG.md", "ARCHITECTURE.md", "CONTRIBUTING.md")
RUN = ("tutorial", "how-to")
_OUTSIDE = re.compile(r"\]\((\.\./[^)#\s]+)\)")
_PICTURE = re.compile(r"<!-- picture: (\S+) of (\S+)(?: (\d+)x(\d+))? -->")


def main() -> None:
    """Build the site, or say which block, page or link fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=2, help="pages at a time")
    jobs = parser.parse_args().jobs
    begun = time.monotonic()
    try:
        for name, step in steps(jobs).items():
            at = time.monotonic()
            step()
            print(f"{name}: {time.monotonic() - at:.1f} s", flush=True)
    except FailedBlockError as error:
        sys.exit(str(error))
    took = f"{time.monotonic() - begun:.0f} s in all, {processor_seconds():.0f} s of processor time"
    print(f"{SITE.relative_to(ROOT)}/index.html, {blocks_run()} blocks run, {took}")
    print(f"Its search needs a server: python -m http.server -d {SITE.relative_to(ROOT)}")


def copy_pages() -> None:
    """Lay the pages out anew where the site is made from."""
    for folder in (SOURCE, WORK):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(PAGES, SOURCE)
    for name in BESIDE_DOCS:
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        for other in BESIDE_DOCS:
            text = text.replace(f"]({other})", f"]({other.lower()})")
        (SOURCE / name.lower()).write_text(text, encoding="utf-8")
    write_exports(SOURCE / "tutorial")
    for page in sorted(SOURCE.rglob("*.md")):
        text = with_figures(with_results(page.read_text(encoding="utf-8"), PAGES), PAGES)
        if page.parent.name == "evidence":
            lines = len((PAGES / page.relative_to(SOURCE)).read_text(encoding="utf-8").splitlines())
            written = measured(PAGES / page.relative_to(SOURCE), 1, lines)
            text += f"\n*This page: {written} {built_from(ROOT)}*\n"
        page.write_text(with_files_beside(text, page), encoding="utf-8")
    with (SOURCE / "stylesheets" / "extra.css").open("a", encoding="utf-8") as sheet:
        sheet.write(palette())


def with_files_beside(text: str, page: Path) -> str:
    """Return a page whose links to files of the repository lead to copies on the site."""

    def copied(link: re.Match[str]) -> str:
        file = (PAGES / page.relative_to(SOURCE)).parent.joinpath(link[1]).resolve()
        if file.is_relative_to(PAGES) or not (file.is_file() and file.is_relative_to(ROOT)):
            return link[0]
        target = SOURCE / "files" / file.name
        target.parent.mkdir(exist_ok=True)
        shutil.copyfile(file, target)
        return f"]({os.path.relpath(target, page.parent)})"

    return _OUTSIDE.sub(copied, text)


def run_pages(jobs: int = 2) -> None:
    """Run the pages of the tutorial and the how-tos, each in a folder of its own.

    A page that was run before, with the same text and the same code, is not run again.

    Raises
    ------
    FailedBlockError
        After all pages, with the first failing block of each.
    """
    commands = make_commands(WORK / "bin")
    sample = ready_sample(commands)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        failed = [
            said for said in pool.map(try_page, *zip(*tasks(sample, commands), strict=True)) if said
        ]
    if failed:
        raise FailedBlockError("\n\n".join(failed))


def tasks(sample: Path, commands: Path) -> list[tuple[Path, Path, Path]]:
    """Return each page with the sample and the commands that it needs."""
    return [(page, sample, commands) for page in pages_to_run(SOURCE)]


def try_page(page: Path, sample: Path, commands: Path) -> str:
    """Run a page, say how long it took, and return what failed."""
    begun, worked, failed = time.monotonic(), processor_seconds(), ""
    try:
        run_page(page, sample, commands)
    except FailedBlockError as error:
        failed = f"{page.relative_to(SOURCE)}, {error}"
    seconds, work = time.monotonic() - begun, processor_seconds() - worked
    said = f"{seconds:.1f} s, {work:.1f} s of processor time{', FAILED' * bool(failed)}"
    print(f"  {page.relative_to(SOURCE)}: {said}", flush=True)
    return failed


def blocks_run() -> int:
    """Return how many blocks of the pages are run."""
    pages = (page.read_text(encoding="utf-8") for page in pages_to_run(PAGES))
    return sum(block.is_run for page in pages for block in find_blocks(page))


def processor_seconds() -> float:
    """Return the seconds that this process and those that it has ended have computed."""
    return sum(os.times()[:4])


def ready_sample(commands: Path) -> Path:
    """Return the folder of the sample, made now or before."""
    key, place = f"sample-{hash_of([code().encode()])}", WORK / "sample"
    if not MEMORY.recall(key, place):
        make_sample(Workplace(place, commands))
        MEMORY.keep(key, place)
    return place / "acme"


def run_page(page: Path, sample: Path, commands: Path) -> None:
    """Run one page and write it again with its outputs and pictures."""
    place = WORK / page.relative_to(SOURCE).with_suffix("")
    text = page.read_text(encoding="utf-8")
    packed = sorted(page.parent.glob("*.zip"))
    key = hash_of([code().encode(), text.encode(), *(file.read_bytes() for file in packed)])
    if MEMORY.recall(key, page.parent):
        return
    place.mkdir(parents=True)
    if "project: sample" in text.partition("\n---\n")[0]:
        copy_sample(sample, place)
    for file in packed:
        shutil.copyfile(file, place / file.name)
    text = execute(text, Workplace(place, commands))
    page.write_text(with_pictures(text, page, place), encoding="utf-8")
    pictures = [page.parent / asked[1] for asked in _PICTURE.finditer(text)]
    MEMORY.keep(key, page, *(picture for picture in pictures if picture.is_file()))


def pages_to_run(folder: Path) -> Iterator[Path]:
    """Return the pages whose blocks are run."""
    for part in RUN:
        yield from sorted((folder / part).glob("*.md"))


def with_pictures(text: str, page: Path, place: Path) -> str:
    """Return a page with the pictures that its comments ask for."""

    def taken(asked: re.Match[str]) -> str:
        name, source = asked[1], place / asked[2]
        width, height = int(asked[3] or 1100), int(asked[4] or 900)
        if not source.is_file():
            raise FailedBlockError(f"{page.name}: there is no {asked[2]} to take a picture of")
        if not take_picture(source, page.parent / name, width=width, height=height):
            return "*(No browser was there to take this picture.)*"
        return f"![{asked[2].rpartition('/')[2]} as it looks in a browser]({name})"

    return _PICTURE.sub(taken, text)


def write_made_pages() -> None:
    """Write the reference and the rendered notebooks.

    Raises
    ------
    FailedBlockError
        If a report that a page has made holds what the reference does not name.
    """
    reports = [facts.parent for facts in WORK.glob("**/reports/2*/facts.json")]
    missing = {name for report in reports for name in missing_from_reference(report)}
    if missing:
        raise FailedBlockError(f"The reference does not name {', '.join(sorted(missing))}.")
    write_reference(SOURCE / "reference")
    write_notebooks(WORK / "sample" / "acme", SOURCE / "notebooks")


def render() -> None:
    """Turn the pages into the site; a link to nowhere ends the build."""
    settings = tomlkit.parse((ROOT / "docsite" / "zensical.toml").read_text(encoding="utf-8"))
    add_unlisted(settings["project"]["nav"])  # type: ignore[index, arg-type]
    (BUILD / "zensical.toml").write_text(tomlkit.dumps(settings), encoding="utf-8")
    shutil.rmtree(SITE, ignore_errors=True)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "-f", "zensical.toml"]
    done = subprocess.run(command, cwd=BUILD, capture_output=True, text=True, check=False)
    if done.returncode:
        said = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
        sys.exit(said.partition("Traceback")[0][-6000:])


def add_unlisted(nav: list[dict[str, Any]]) -> None:
    """List pages of `docs/` that stand in no part yet under a heading of their own."""
    pages = {page.name for page in SOURCE.glob("*.md")} - {*listed(nav)}
    if pages:
        nav.append({"More": sorted(pages)})


def listed(nav: list[Any]) -> Iterator[str]:
    """Return the pages that a navigation lists."""
    for entry in nav:
        for inside in [entry] if isinstance(entry, str) else entry.values():
            yield from listed(inside) if isinstance(inside, list) else [str(inside)]


def steps(jobs: int) -> dict[str, Callable[[], None]]:
    """Return the steps of a build, by name."""
    return {
        "pages": copy_pages,
        "blocks run": partial(run_pages, jobs),
        "reference and notebooks": write_made_pages,
        "site": render,
    }


if __name__ == "__main__":
    main()
