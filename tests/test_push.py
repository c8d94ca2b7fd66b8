"""Tiers into the CRM: shown first, confirmed by words, one field, nothing lost, nothing twice."""

from __future__ import annotations

import csv
import logging
import signal
import subprocess
import sys

import pytest
from crm_servers import EXPIRED, TOKEN, CrmServer, serving
from projects import write_project
from report_samples import write_published

from tierkit.cli import main
from tierkit.commands.accept import accept_tiers
from tierkit.push import connection, salesforce
from tierkit.settings import parse_settings, read_settings

pytest.importorskip("simple_salesforce")
KINDS = ("hubspot", "salesforce")
FIELD = "account_tier"
HEADER = "account_id,tier,previous_tier,rank,score,overridden,move_reason\n"


def record(kind, number):
    return f"{1000 + number}" if kind == "hubspot" else f"001{number:012d}AAA"


class Company:
    """A project whose accepted tiers are pushed, and the CRM that it is pushed to."""

    def __init__(self, folder, kind, capsys):
        self.folder, self.kind, self.capsys = folder, kind, capsys
        write_project(folder, settings=f'[push.{kind}]\nfield = "{FIELD}"\n')
        self.crm = CrmServer({})

    def ids(self, *numbers):
        return [record(self.kind, number) for number in numbers]

    def accept(self, tiers, label="2026Q3"):
        settings = read_settings(self.folder)
        rows = [f"{account},{tier},,{rank},1,False,\n"
                for rank, (account, tier) in enumerate(tiers.items(), 1)]  # fmt: skip
        write_published(settings.reports, label, HEADER + "".join(rows))
        accept_tiers(settings, label)

    def hold(self, *values, tiers=None):
        """Let the CRM hold values by number; accept Tier 1 for all, or what is given."""
        ids = self.ids(*range(len(values)))
        self.crm.records = dict(zip(ids, values, strict=True))
        self.accept(dict(zip(ids, tiers or ["Tier 1"] * len(ids), strict=True)))
        return ids

    def run(self, *arguments):
        with pytest.raises(SystemExit) as ended:
            main(["push", *map(str, arguments), "-f", str(self.folder)])
        said = self.capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    def show(self):
        return self.run("2026Q3", "--to", self.kind)

    def phrase(self):
        return phrase_in(self.show()[1])

    def push(self, phrase=None):
        return self.run("2026Q3", "--to", self.kind, "--yes", phrase or self.phrase())

    def undo(self, *, file=None):
        file = file or self.journals()[0]
        return self.run("--undo", file, "--yes", phrase_in(self.run("--undo", file)[1]))

    def journals(self):
        return sorted((self.folder / "pushes").glob("*.jsonl"))


def phrase_in(out):
    (line,) = [one for one in out.splitlines() if one.strip().startswith("--yes")]
    return line.split('"')[1]


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def company(tmp_path, kind, capsys, monkeypatch):
    monkeypatch.setattr(connection, "BACK_OFF_SECONDS", 0.0)
    made = Company(tmp_path / "acme", kind, capsys)
    with serving(kind, made.crm):
        monkeypatch.setenv(f"TIERKIT_{kind.upper()}_TOKEN", TOKEN)
        monkeypatch.setenv(f"TIERKIT_{kind.upper()}_URL", made.crm.url)
        yield made


def test_a_push_shows_the_difference_and_writes_nothing(company):
    one, two, three = company.hold(None, "Tier 2", "Tier 1")
    code, out, err = company.show()
    assert (code, err, company.crm.updates) == (0, "", [])
    assert "2 to change, 1 hold it already, 0 cannot be written." in out
    assert f"{one}: nothing → Tier 1" in out
    assert f"{two}: Tier 2 → Tier 1" in out
    assert f"{three}:" not in out
    assert not company.journals()


def test_only_what_differs_is_written_into_the_one_field(company):
    one, two, _ = company.hold(None, "Tier 2", "Tier 1")
    code, out, _ = company.push()
    assert (code, company.crm.updates) == (0, [[one, two]])  # the server refuses other fields
    assert set(company.crm.records.values()) == {"Tier 1"}
    assert "2 written, 0 held it by then, 0 failed." in out
    code, out, _ = company.run("2026Q3", "--to", company.kind, "--yes", "anything")
    assert (code, len(company.crm.updates)) == (0, 1)
    assert "Nothing to write." in out


def test_an_account_that_lost_its_tier_gets_an_empty_field(company):
    one, two = company.ids(1, 2)
    company.accept({one: "Tier 1", two: "Tier 2"}, "2026Q2")
    company.accept({one: "Tier 1"})
    company.crm.records = {one: "Tier 1", two: "Tier 2"}
    assert f"{two}: Tier 2 → nothing" in company.show()[1]
    assert company.push()[0] == 0
    assert company.crm.records == {one: "Tier 1", two: None}


@pytest.mark.parametrize("typed", ["", "yes", "push 1"])
def test_other_words_write_nothing(company, monkeypatch, typed):
    company.hold(None)
    code, _, err = company.run("2026Q3", "--to", company.kind, "--yes", typed)
    assert (code, company.crm.updates) == (2, [])
    assert err.startswith("The words do not confirm this; nothing was written. They are: push 1 to")
    monkeypatch.setattr("typer.prompt", lambda *_given, **_named: typed)
    code, _, _ = company.run("2026Q3", "--to", company.kind, "--write")
    assert (code, company.crm.updates) == (2, [])


def test_the_typed_words_write(company, monkeypatch):
    company.hold(None)
    phrase = company.phrase()
    monkeypatch.setattr("typer.prompt", lambda *_given, **_named: phrase)
    assert company.run("2026Q3", "--to", company.kind, "--write")[0] == 0
    assert [*company.crm.records.values()] == ["Tier 1"]


def test_a_record_changed_since_the_difference_was_shown_is_named_and_nothing_is_written(company):
    one, _ = company.hold("Tier 2", "Tier 2")
    phrase = company.phrase()
    company.crm.records[one] = "Tier 3"
    code, _, err = company.push(phrase)
    assert (code, company.crm.updates) == (2, [])
    assert "changed since that was shown; nothing was written" in err
    assert f"{one}: held Tier 2, holds Tier 3 now" in err
    assert "The new difference is confirmed by: push 2 to" in err


def test_a_record_changed_after_the_words_keeps_its_value_and_the_others_are_written(company):
    one, two = company.hold("Tier 2", "Tier 2")
    phrase, reads = company.phrase(), []

    def somebody_writes():
        reads.append(1)
        company.crm.records |= {one: "Tier 3"} if len(reads) == 1 else {}

    company.crm.after_read = somebody_writes  # the first read is the one of the difference
    code, out, err = company.push(phrase)
    assert (code, company.crm.updates) == (3, [[two]])
    assert company.crm.records == {one: "Tier 3", two: "Tier 1"}
    assert f"not written: {one}: changed by somebody since: held Tier 2, holds Tier 3 now" in out
    assert "Accounts that were not written: 1; standard output says why." in err


def test_records_that_fail_are_named_with_the_reason_and_the_others_are_written(company):
    one, two, three = company.hold(None, None, None)
    company.crm.refused = {two: "Region is required"}
    code, out, _ = company.push()
    assert code == 3
    assert "2 written, 0 held it by then, 1 failed." in out
    (line,) = {line for line in out.splitlines() if "not written" in line}
    assert line.startswith(f"  not written: {two}: ")
    assert line.endswith("Region is required")
    assert company.crm.records == {one: "Tier 1", two: None, three: "Tier 1"}


def test_ids_that_no_record_has_are_named_and_the_others_are_written(company):
    known, unknown = company.ids(1, 2)
    company.accept({known: "Tier 1", unknown: "Tier 1", "A-3": "Tier 2"})
    company.crm.records = {known: None}
    code, out, _ = company.show()
    assert (code, company.crm.updates) == (0, [])
    assert f"not written: {unknown}: {company.kind} has no record {unknown}" in out
    assert "not written: A-3: 'A-3' is no record id of" in out
    code, out, _ = company.push()
    assert (code, company.crm.updates) == (3, [[known]])
    code, out, err = company.push("again")
    assert (code, company.crm.updates) == (3, [[known]])
    assert "Accounts that were not written: 2;" in err


def test_ids_of_another_system_are_refused_with_the_setting_that_names_the_column(company):
    company.accept({"A-1": "Tier 1", "A-2": "Tier 2"})
    code, _, err = company.show()
    assert (code, company.crm.updates) == (3, [])
    assert f"accounts: none of 2 has a record id of {company.kind} (A-1: 'A-1' is no" in err
    assert f"[push.{company.kind}] id_column" in err


def test_a_batch_that_hubspot_refuses_for_one_record_is_written_but_for_that_one(
    tmp_path, capsys, monkeypatch
):
    company = Company(tmp_path / "acme", "hubspot", capsys)
    with serving("hubspot", company.crm):
        monkeypatch.setenv("TIERKIT_HUBSPOT_TOKEN", TOKEN)
        monkeypatch.setenv("TIERKIT_HUBSPOT_URL", company.crm.url)
        ids = company.hold(*[None] * 7)
        company.crm.refused = {ids[4]: "invalid"}
        code, out, _ = company.push()
    assert code == 3
    assert f"not written: {ids[4]}: hubspot: the request was refused (400: {ids[4]} is inv" in out
    assert company.crm.times_written == {one: 1 for one in ids if one != ids[4]}


def test_undo_restores_what_was_there_and_leaves_what_somebody_changed_since(company):
    one, two, three = company.hold(None, "Tier 2", "Tier 3")
    assert company.push()[0] == 0
    company.crm.records[two] = "Tier 9"
    code, out, _ = company.undo()
    assert code == 3
    assert f"not written: {two}: changed by somebody since: held Tier 2, holds Tier 9 now" in out
    assert company.crm.records == {one: None, two: "Tier 9", three: "Tier 3"}
    file = company.journals()[0]
    code, out, _ = company.run("--undo", file)
    assert (code, "Nothing to write." in out) == (0, True)


def test_undo_shows_first_and_can_be_undone_itself(company):
    (one,) = company.hold("Tier 2")
    company.push()
    (file,) = company.journals()
    code, out, _ = company.run("--undo", file)
    assert (code, company.crm.records[one]) == (0, "Tier 1")
    assert f"{one}: Tier 1 → Tier 2" in out
    assert company.undo(file=file)[0] == 0
    assert company.crm.records[one] == "Tier 2"
    (undoing,) = [path for path in company.journals() if path.name.startswith("undo_")]
    assert company.undo(file=undoing)[0] == 0
    assert company.crm.records[one] == "Tier 1"


def test_a_push_after_its_undoing_begins_anew(company):
    ids = company.hold(None, None)
    company.push()
    company.undo()
    assert company.push()[0] == 0
    assert company.crm.records == dict.fromkeys(ids, "Tier 1")
    assert len(company.journals()) == 3


def test_the_server_says_how_long_to_wait(company, monkeypatch):
    company.hold(None)
    phrase, pauses = company.phrase(), []
    monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)
    company.crm.update_faults = [
        (429, {"Retry-After": "7"}, {}),
        (503, {"Retry-After": "9999"}, {}),
    ]
    assert company.push(phrase)[0] == 0
    assert pauses == [7, 120]
    assert company.crm.updates == [company.ids(0)]


def test_faults_of_the_server_are_tried_again_with_growing_pauses(company, monkeypatch):
    company.hold(None)
    phrase, pauses = company.phrase(), []
    monkeypatch.setattr(connection, "BACK_OFF_SECONDS", 1.0)
    monkeypatch.setattr("urllib3.util.retry.time.sleep", pauses.append)
    company.crm.update_faults = [(500, {}, {}), (502, {}, {}), (503, {}, {}), (504, {}, {})]
    assert company.push(phrase)[0] == 0
    assert pauses == [2, 4, 8]  # the first try again is at once
    assert company.crm.updates == [company.ids(0)]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_stays_down_is_a_sentence_and_the_push_goes_on_later(company, status):
    ids = company.hold(None, None)
    phrase = company.phrase()
    company.crm.update_faults = [(status, {}, b"<html>down</html>")] * 6
    code, _, err = company.push(phrase)
    assert code == 8
    assert f"also after waiting ({status})" in err
    assert "The same command goes on where it stopped." in err
    assert company.crm.updates == []
    code, out, _ = company.push(phrase)
    assert (code, company.crm.updates) == (0, [ids])
    assert "A push of this was stopped after 0 of 2 records; this is the rest" in out
    assert len(company.journals()) == 1


def many(company):
    """Let the CRM take three batches, and stop in the second."""
    return company.hold(*[None] * (250 if company.kind == "hubspot" else 450))


def test_a_token_that_expires_in_the_middle_is_a_sentence_and_the_push_goes_on(company):
    ids = many(company)
    phrase = company.phrase()
    company.crm.update_faults = [None, EXPIRED[company.kind]]
    code, out, err = company.push(phrase)
    assert code == 2
    assert f"{company.kind}: the access token is expired or wrong" in err
    assert f" records were written until then: {company.journals()[0]}" in err
    assert f"Put a new one into TIERKIT_{company.kind.upper()}_TOKEN" in err
    assert TOKEN not in out + err
    assert len(company.crm.updates) == 1
    assert company.push(phrase)[0] == 0
    assert company.crm.times_written == dict.fromkeys(ids, 1)


@pytest.mark.parametrize(
    ("kind", "moment"),
    [("hubspot", "after_update"), ("salesforce", "before_update")],
    indirect=["kind"],
)
def test_a_kill_in_the_middle_loses_and_repeats_nothing(company, moment):
    """The second batch has not reached the records yet, or has and its answer is lost."""
    ids = many(company)
    command = [sys.executable, "-m", "tierkit", "push", "2026Q3", "--to", company.kind,
               "--yes", company.phrase(), "-f", str(company.folder)]  # fmt: skip
    batches = []

    def kill_at_the_second_batch(batch):
        batches.append(batch)
        if len(batches) == 2:
            process.kill()
            process.wait()
            if moment == "before_update":
                raise ConnectionAbortedError

    setattr(company.crm, moment, kill_at_the_second_batch)
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert process.wait() == -signal.SIGKILL
    assert 0 < len(company.crm.times_written) < len(ids)
    code, out, _ = company.show()
    assert "this is the rest" in out
    assert company.push(phrase_in(out))[0] == code == 0
    assert company.crm.records == dict.fromkeys(ids, "Tier 1")
    assert company.crm.times_written == dict.fromkeys(ids, 1)
    assert company.undo()[0] == 0  # one file for both halves
    assert set(company.crm.records.values()) == {None}


def test_what_a_kill_left_half_written_can_be_undone(company):
    many(company)
    phrase = company.phrase()
    company.crm.update_faults = [None, EXPIRED[company.kind]]
    company.push(phrase)
    with company.journals()[0].open("ab") as file:
        file.write(b'{"written": ["10')  # a line that the kill cut off
    assert company.undo()[0] == 0
    assert set(company.crm.records.values()) == {None}
    assert "this is the rest" not in company.show()[1]  # a new push begins anew


def test_tiers_accepted_after_a_stop_are_pushed_and_not_the_old_ones(company):
    one, two = company.hold(None, None)
    phrase = company.phrase()
    company.crm.update_faults = [EXPIRED[company.kind]]
    company.push(phrase)
    company.accept({one: "Tier 2", two: "Tier 1"})
    assert company.push()[0] == 0
    assert company.crm.records == {one: "Tier 2", two: "Tier 1"}


def test_only_an_accepted_quarter_is_pushed(company):
    (one,) = company.ids(1)
    company.crm.records = {one: None}
    settings = read_settings(company.folder)
    write_published(settings.reports, "2026Q3", f"{HEADER}{one},Tier 1,,1,1,False,\n")
    code, _, err = company.show()
    assert code == 2
    assert err.startswith("2026Q3: its tiers were not accepted, and a proposal is never pushed.")
    company.accept({one: "Tier 1"})
    company.accept({one: "Tier 2"}, "2026Q4")
    code, _, err = company.show()
    assert code == 2
    assert err.startswith("2026Q3: its tiers ended on 2027-01-01. Push the quarter whose tiers are")
    assert company.run("drafts/2026Q3", "--to", company.kind)[0] == 2
    assert company.crm.requests == []


def test_a_field_that_is_not_there_or_cannot_take_the_tiers_is_a_sentence(company):
    company.hold(None)
    company.crm.options = ("gold", "silver")
    code, _, err = company.show()
    assert (code, "no option Tier 1; there are gold, silver" in err.replace("value", "option")) == (
        2,
        True,
    )
    company.crm.read_only = True
    assert company.show()[0] == 2
    company.crm.column = "tier_of_account"
    code, _, err = company.show()
    assert code == 2
    assert "'account_tier'" in err
    assert company.crm.updates == []


@pytest.mark.parametrize("kind", ["hubspot"], indirect=True)
def test_tiers_are_written_as_the_settings_name_them_by_the_ids_of_a_column(company, monkeypatch):
    one, two = company.ids(1, 2)
    accounts = f"account_id,name,crm_id\nA1,Acme,{one}\nA2,Bolt,{two}\nA3,Corn,\n"
    settings = (
        f'[push.hubspot]\nfield = "{FIELD}"\nid_column = "crm_id"\n'
        'values = { "Tier 1" = "gold" }\n'
    )
    write_project(company.folder, accounts=accounts, settings=settings)
    company.accept({"A1": "Tier 1", "A2": "Tier 2", "A3": "Tier 2"})
    company.crm.records = {one: None, two: None}
    words = "Type these words to write: "
    monkeypatch.setattr("typer.prompt", lambda asked, **_: asked.removeprefix(words))
    code, out, _ = company.run("2026Q3", "--to", "hubspot", "--write")
    assert code == 3
    assert f"A1 ({one}): nothing → gold" in out
    assert "not written: A3: no record id" in out
    assert company.crm.records == {one: "gold", two: "Tier 2"}


@pytest.mark.parametrize("kind", ["salesforce"], indirect=True)
def test_two_accounts_of_one_record_stop_the_push(company):
    """An id of Salesforce has 15 signs, or 18: the same record."""
    (long,) = company.ids(1)
    company.accept({long: "Tier 1", long[:15]: "Tier 2"})
    company.crm.records = {long: None}
    code, _, err = company.show()
    assert code == 3
    assert err.startswith(f"accounts: {long[:15]} and {long} have the same record id {long}.")


def test_the_whole_difference_as_a_file(company, tmp_path):
    one, two = company.hold("Tier 2", "Tier 1")
    company.accept({one: "Tier 1", two: "Tier 1", "A-3": "Tier 2"})
    company.run("2026Q3", "--to", company.kind, "-o", tmp_path / "d.csv")
    with (tmp_path / "d.csv").open(encoding="utf-8") as file:
        rows = [*csv.reader(file)]
    assert rows[0] == ["account_id", "record_id", "holds", "will_hold", "problem"]
    assert rows[1] == [one, one, "Tier 2", "Tier 1", ""]
    assert rows[2][0] == "A-3"


def test_no_secret_is_ever_written_or_said(company, caplog):
    """The servers repeat the token in what they say."""
    caplog.set_level(logging.DEBUG)
    _, two = company.hold(None, None)
    company.crm.refused = {two: f"who is {TOKEN}?"}
    said = [*company.show(), *company.push(), *company.undo()]
    company.crm.faults = [EXPIRED[company.kind]]
    said += company.show()
    company.crm.faults = [(400, {}, [{"errorCode": "X", "message": TOKEN}])]
    said += company.show()
    company.crm.faults = [(403, {}, {"message": TOKEN})]
    said += company.show()
    assert "who is …?" in str(said)
    assert TOKEN not in str(said) + caplog.text
    assert len(company.journals()) == 2
    for path in company.folder.rglob("*"):
        assert path.is_dir() or TOKEN.encode() not in path.read_bytes(), path


def test_secrets_come_from_the_environment_else_from_the_keyring_and_nowhere_else(monkeypatch):
    keyring = pytest.importorskip("keyring")
    name = "TIERKIT_HUBSPOT_TOKEN"
    monkeypatch.delenv(name, raising=False)
    stored = {("tierkit", name): "from-the-keyring"}
    monkeypatch.setattr(keyring, "get_password", lambda *place: stored.get(place))
    assert connection.secret(name) == "from-the-keyring"
    monkeypatch.setenv(name, "from-the-environment")
    assert connection.secret(name) == "from-the-environment"
    monkeypatch.delenv(name)
    stored.clear()
    with pytest.raises(Exception, match=f"{name}: not set.*It is never read from a file"):
        connection.secret(name)


@pytest.mark.parametrize(
    "url", ["http://crm.example", "ftp://127.0.0.1", "https://a:b@crm.example", "https://x/y"]
)
def test_the_token_is_sent_to_nobody_who_could_be_overheard(company, monkeypatch, url):
    company.hold(None)
    monkeypatch.setenv(f"TIERKIT_{company.kind.upper()}_URL", url)
    code, _, err = company.show()
    assert code == 2
    assert "must be https://" in err


@pytest.mark.parametrize("answer", [(200, {}, b"<html>log in</html>"), (302, {"Location": "/"}, {}),
                                    (429, {"Retry-After": "soon"}, {})])  # fmt: skip
def test_an_answer_of_another_kind_is_a_sentence(company, answer):
    company.hold(None)
    company.crm.faults = [answer]
    code, _, err = company.show()
    assert code == 8
    assert err.startswith(f"{company.kind}: ")
    assert len(err.splitlines()) == 2  # the other one names the topic of help


def test_ctrl_c_says_what_was_written(company, monkeypatch):
    many(company)
    phrase = company.phrase()

    def interrupt(_done, _count):
        raise KeyboardInterrupt

    monkeypatch.setattr("tierkit.cli.pushing._step", interrupt)
    code, _, err = company.push(phrase)
    assert code == 130
    assert f"{len(company.crm.times_written)} records were written until then: " in err


def test_a_crm_that_cannot_be_reached_is_a_sentence(company, monkeypatch):
    company.hold(None)
    monkeypatch.setenv(f"TIERKIT_{company.kind.upper()}_URL", "http://127.0.0.1:9")
    code, _, err = company.show()
    assert code == 8
    assert err.startswith(f"{company.kind}: 127.0.0.1:9 cannot be reached")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["2026Q3"], "needs a quarter and --to, or --undo FILE"),
        (["2026Q3", "--to", "hubspot", "--undo", "x"], "leave QUARTER and --to out"),
        (["--undo", "nowhere.jsonl"], "nowhere.jsonl: cannot be read"),
        (["--undo", __file__], "is no journal of tierkit push"),
    ],
)
def test_mistakes_are_sentences(tmp_path, capsys, arguments, said):
    company = Company(tmp_path, "hubspot", capsys)
    code, _, err = company.run(*arguments)
    assert code == 2
    assert said in err


def test_a_field_must_be_named_and_its_tiers_must_exist(tmp_path, capsys, monkeypatch):
    company = Company(tmp_path, "hubspot", capsys)
    company.hold(None)
    (tmp_path / "tierkit.toml").write_text("")
    monkeypatch.setenv("TIERKIT_HUBSPOT_TOKEN", TOKEN)
    assert company.show()[2].startswith("[push.hubspot] field: not set.")
    (tmp_path / "tierkit.toml").write_text('[push.hubspot.values]\n"Tier 7" = "x"\n')
    code, out, _ = company.show()
    assert code == 2
    assert "there is no tier 'Tier 7'" in out


def test_settings_of_the_push_change_no_number():
    with_field = parse_settings({"push": {"hubspot": {"field": "x"}}})
    assert with_field.fingerprint == parse_settings({}).fingerprint


@pytest.fixture
def in_bulk(tmp_path, capsys, monkeypatch):
    """A company of Salesforce whose 450 changes are enough for the bulk API, 300 a job."""
    monkeypatch.setattr(connection, "BACK_OFF_SECONDS", 0.0)
    monkeypatch.setattr(salesforce, "BULK_FROM", 300)
    made = Company(tmp_path / "acme", "salesforce", capsys)
    with serving("salesforce", made.crm):
        monkeypatch.setenv("TIERKIT_SALESFORCE_TOKEN", TOKEN)
        monkeypatch.setenv("TIERKIT_SALESFORCE_URL", made.crm.url)
        yield made


def test_many_records_of_salesforce_are_written_by_jobs_and_can_be_taken_back(in_bulk):
    ids = in_bulk.hold(*["Tier 2"] * 450)
    in_bulk.crm.refused = {ids[7]: "no tier without an owner"}
    code, out, _ = in_bulk.push()
    assert code == 3
    assert f"{ids[7]}: FIELD_CUSTOM_VALIDATION_EXCEPTION: no tier without an owner" in out
    assert [len(batch) for batch in in_bulk.crm.updates] == [299, 150]
    asked = in_bulk.crm.requests
    assert sum(one.endswith("/batch") for one in asked) == 1
    assert sum(one.startswith("PATCH") for one in asked) == 1  # the rest fits into a collection
    assert list(in_bulk.crm.records.values()).count("Tier 1") == 449
    assert in_bulk.undo()[0] == 0
    assert set(in_bulk.crm.records.values()) == {"Tier 2"}


def test_a_job_that_was_cut_off_is_taken_up_and_nothing_is_written_twice(in_bulk):
    in_bulk.hold(*[None] * 450)
    in_bulk.crm.update_faults = [None, EXPIRED["salesforce"]]
    code, _, err = in_bulk.push()
    assert code == 2
    assert "expired" in err
    assert TOKEN not in err
    assert in_bulk.push()[0] == 0
    assert set(in_bulk.crm.times_written.values()) == {1}
    assert set(in_bulk.crm.records.values()) == {"Tier 1"}
