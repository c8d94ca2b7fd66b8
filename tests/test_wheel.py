"""The built wheel carries notebooks and templates, and works outside the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    target = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(target), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (file,) = target.glob("*.whl")
    return file


def test_the_wheel_holds_notebooks_templates_and_nothing_of_the_checkout(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in (
        "tierkit/notebooks/recalibrate.ipynb",
        "tierkit/settings/templates/tierkit.toml",
        "tierkit/rendering/templates/leadership.html.j2",
        "tierkit/py.typed",
        "tierkit/docs/index.md",
        "tierkit/docs/how-to/capacity.md",
    ):
        assert name in names
    assert not [name for name in names if name.startswith(("tests/", "notebooks/"))]
    assert not [name for name in names if "/." in name or "__pycache__" in name]


def test_the_addresses_of_the_package_lead_to_pages_that_it_carries(wheel):
    packed = zipfile.ZipFile(wheel)
    (metadata,) = [name for name in packed.namelist() if name.endswith("/METADATA")]
    lines = packed.read(metadata).decode().partition("\n\n")[0].splitlines()
    urls = [line.rpartition(", ")[2] for line in lines if line.startswith("Project-URL: ")]
    assert urls
    assert not [url for url in urls if url not in packed.namelist()]


def test_the_wheel_runs_in_an_environment_of_its_own(wheel, tmp_path):
    environment = tmp_path / "env"
    venv.create(environment, with_pip=False)
    python = environment / "bin" / "python"
    (site,) = environment.glob("lib/python*/site-packages")
    # dependencies come from this environment, tierkit from the wheel alone
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    (environment / "share").symlink_to(Path(sys.prefix) / "share")
    zipfile.ZipFile(wheel).extractall(site)
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    for arguments in (
        ["help", "how-to/capacity.md"],
        ["simulate", "demo", "--accounts", "60", "--quarters", "8"],
        [
            "run",
            "-f",
            "demo",
            "--set",
            "model.bags=1",
            "--set",
            "model.shuffled_refits=2",
            "--set",
            "model.most_bags=2",
            "--set",
            "model.backtest_quarter_ends=1",
            "--set",
            "roi.certificate_worlds=0",
        ],
    ):
        done = subprocess.run(
            [str(python), "-m", "tierkit.cli", *arguments],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert list((tmp_path / "demo" / "reports").glob("20*/leadership.html"))
    where = subprocess.run(
        [str(python), "-c", "import tierkit; print(tierkit.__file__)"],
        cwd=tmp_path, env=clean, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(site) in where.stdout
