"""A run killed with signal 9 at random moments: the report stays whole, and the next run works.

Run with `python -m benches.kill [COUNT]`. Every run sets out to replace a report by another one and
starts where a killed one left off. The notebooks are tiny, so that the moments fall into every part
of a run; what is killed is a process that has loaded everything already.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from report_samples import LABEL
from tiny_runs import contents, make_project, one, run_project

LOADED = ("tierkit.publishing.execute", "tierkit.publishing.assemble", "tierkit.publishing.gates")


def main(count: int) -> None:
    """Print where the kills fell, and everything that was harmed."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tiny_runs", *LOADED])
    rng, where, harmed = np.random.default_rng(1), Counter(), []
    with tempfile.TemporaryDirectory() as scratch:
        project = make_project(Path(scratch) / "a cme")
        whole = _run(context, project, "finding 0", kill_after=None)
        for number in range(1, count + 1):
            before = _report(project)
            moment = float(rng.uniform(0.0, whole))
            seconds = _run(context, project, f"finding {number}", kill_after=moment)
            after = _report(project)
            where["ended first" if seconds < moment else _place(project)] += 1
            if after != before and f"finding {number}" not in after.get("leadership.html", ""):
                harmed.append(f"kill {number} after {moment:.2f} s left another report")
        _run(context, project, "the last finding", kill_after=None)
        if "the last finding" not in _report(project)["leadership.html"]:
            harmed.append("the run after the last kill did not publish")
        causes = list((project / "reports" / "failed").glob("*/cause.txt"))
        lines = {len(path.read_text(encoding="utf-8").splitlines()) for path in causes}
    print(f"{count} kills within {whole:.1f} s: {dict(where)}")
    print(f"remains with a cause in one line: {len(causes)}, lines {sorted(lines)}")
    print("\n".join(harmed) or "no report was harmed; the run after the last kill published")
    if harmed:
        sys.exit(1)


def _run(context, project: Path, finding: str, *, kill_after: float | None) -> float:
    """Run the project, killed after so many seconds; return how long it lived."""
    one(project, html=f"<p data-figure='tiers'>{finding}</p>")
    process = context.Process(target=run_project, args=(project,))
    begun = time.monotonic()
    process.start()
    process.join(kill_after)
    process.kill()
    process.join()
    if kill_after is None and process.exitcode:
        raise SystemExit(f"a run without a kill ended with {process.exitcode}")
    return time.monotonic() - begun


def _report(project: Path) -> dict[str, str]:
    found = contents(project / "reports" / LABEL)
    return {name: data.decode(errors="replace") for name, data in found.items()}


def _place(project: Path) -> str:
    """Say what the killed run had come to."""
    if (project / "reports" / ".publishing.json").exists():
        return "while publishing"
    runs = list((project / ".tierkit" / "runs").glob("*"))
    if not runs:
        return "before or after the work"
    return "pages and gates" if (runs[0] / "report").exists() else "notebooks"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 30)
