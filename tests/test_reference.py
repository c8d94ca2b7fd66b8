"""The reference is complete: what the code has stands in it, and nothing else does."""

from __future__ import annotations

import inspect

import leadership_facts
import pytest
from typer.main import get_command

import tierkit
from tierkit.cli import app, main
from tierkit.commands.run import OUTPUTS
from tierkit.crm import CONTRACT, RULES
from tierkit.crm.accepted_tiers import HISTORY_COLUMNS
from tierkit.errors import SettingsError
from tierkit.features import FEATURES
from tierkit.publishing.gates import RUN_FILES
from tierkit.reference import CHAPTERS, as_markdown, chapter, find_topic
from tierkit.reference.chapters import words
from tierkit.reference.from_program import commands_chapter, exit_codes_of_errors
from tierkit.reference.from_run import keys_of
from tierkit.settings import Settings
from tierkit.tiers import OVERRIDE_COLUMNS

APP = get_command(app)
ENDS = {0, 70, 129, 130, 137, 141, 143}  # published, a fault, and ends by signals
QUICK = [name for name in CHAPTERS if name not in ("functions",)]


def names(chapter_name):
    return [entry.name for entry in chapter(chapter_name).entries]


def written(section, path=""):
    """Return the dotted paths that a file of meanings holds."""
    for name, inside in section.items():
        below = f"{path}.{name}" if path else name
        yield from written(inside, below) if isinstance(inside, dict) else [below]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_entry_has_a_meaning_and_a_name_of_its_own(name):
    entries = chapter(name).entries
    assert not [entry.name for entry in entries if not entry.meaning.strip()]
    assert len({entry.name for entry in entries}) == len(entries)


def test_every_setting_has_its_meaning():
    known = {path for path in written(words("settings")) if not path.endswith("._")}
    assert not set(names("settings")) - known
    assert set(words("settings")) == set(Settings.model_fields)


def test_every_column_of_the_contract_has_its_meaning():
    assert not set(names("tables")) - set(written(words("columns")))
    assert set(chapter("tables").groups) == set(CONTRACT)


def test_every_command_and_option_stands_in_the_reference():
    pages = {entry.name: entry.body for entry in commands_chapter(APP).entries}
    assert set(pages) == set(APP.commands)
    for name, command in APP.commands.items():
        options = [option for one in command.params for option in one.opts if "-" in option]
        assert not [option for option in options if option not in pages[name]]


def test_every_exit_code_of_an_error_has_its_meaning():
    assert exit_codes_of_errors() | ENDS == {int(name) for name in names("exit-codes")}


def test_every_check_criterion_and_public_name_is_there():
    assert names("checks") == [*RULES]
    assert names("criteria") == [one.name for one in FEATURES if not one.is_hidden]
    public = {*tierkit.__all__} - {"__version__"}
    assert set(names("functions")) == {*public, "sklearn.CardRegressor"}


def test_every_file_of_a_run_is_there():
    assert {*OUTPUTS, *RUN_FILES} <= {*names("files")}


@pytest.mark.parametrize(
    ("file", "columns"),
    [("overrides.csv", OVERRIDE_COLUMNS), ("tier_history.csv", HISTORY_COLUMNS)],
)
def test_every_column_of_the_projects_files_is_there(file, columns):
    _, entries = chapter("files").groups[file]
    assert [entry.name for entry in entries] == [f"{file}.{column}" for column in columns]


def test_every_key_of_the_facts_is_there():
    assert not keys_of(leadership_facts.sample()) - {*names("facts")}


@pytest.mark.parametrize("name", QUICK)
def test_a_chapter_is_a_page_with_every_name(name):
    page = as_markdown(chapter(name))
    assert page.startswith("# ")
    assert not [entry for entry in names(name) if f"`{entry}`" not in page]


@pytest.mark.parametrize("name", ["settings", "tables", "files", "facts", "exit-codes"])
def test_everything_can_be_looked_up_by_its_name(name):
    for entry in names(name)[::7]:
        assert entry in find_topic(entry, APP)


def test_an_unknown_topic_is_refused_with_the_nearest():
    with pytest.raises(SettingsError, match=r"Did you mean .*stability\.keep_band"):
        find_topic("stability.keep_bant", APP)


def run(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main([*arguments])
    done = capsys.readouterr()
    return caught.value.code, done.out, done.err


def test_help_says_what_a_setting_means(capsys):
    code, out, _ = run(capsys, "help", "stability.keep_band")
    assert code == 0
    assert "default: 1.25" in out


@pytest.mark.parametrize("topic", ["stale table", "[roi]", "tk.fit_card", "3", "run"])
def test_help_takes_a_topic_as_people_write_it(capsys, topic):
    assert run(capsys, "help", *topic.split())[0] == 0


def test_help_alone_lists_every_chapter(capsys):
    code, out, _ = run(capsys, "help")
    assert code == 0
    assert not [name for name in ("commands", *CHAPTERS) if f"  {name} " not in out]


WORDS_OF_SETTINGS = ["each row", "from opportunities"]


@pytest.mark.parametrize(
    "word", ["borderline", "hold", "refit", "waits", "minimum stay", *WORDS_OF_SETTINGS]
)
def test_words_of_pages_and_settings_can_be_looked_up(word):
    assert find_topic(word, APP).startswith("Glossary:")


def test_a_word_that_is_no_topic_is_not_explained_by_exit_codes(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["help", "zzzzqqqq"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines() == [
        "There is no topic zzzzqqqq. `tierkit help` lists the topics.", "More: tierkit help",
    ]  # fmt: skip


def test_an_error_names_the_topic_that_says_more(capsys, tmp_path):
    (tmp_path / "tierkit.toml").write_text("[stability]\nkeep_band = 0.5\n")
    code, _, err = run(capsys, "check", "-f", str(tmp_path))
    assert code == 2
    assert err.splitlines()[-1] == "More: tierkit help stability.keep_band"


FUNCTIONS = [name for name in sorted(tierkit.__all__) if inspect.isfunction(getattr(tierkit, name))]
SHOWN_ELSEWHERE = {"explain", "compare_tiers"}  # they need a published report: how-tos run them


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_says_what_each_parameter_is_and_shows_an_example(name):
    function = getattr(tierkit, name)
    _, _, said = (inspect.getdoc(function) or "").partition("Parameters\n----------\n")
    names = {
        one.strip() for line in said.splitlines() if line[:1].strip() for one in line.split(",")
    }
    assert not [one for one in inspect.signature(function).parameters if one not in names]
    assert ">>> " in said or name in SHOWN_ELSEWHERE
