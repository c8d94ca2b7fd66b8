"""The page for leadership says what the facts say, in words, for every kind of company."""

from __future__ import annotations

import copy
import itertools
import re
from html.parser import HTMLParser
from typing import Any

import leadership_facts as companies
import pytest
from markupsafe import Markup

from tierkit import pages as sections
from tierkit.pages.decisions import decisions
from tierkit.pages.earned import forest_table
from tierkit.pages.effects import VERDICTS, best_design, certainty, finding
from tierkit.pages.effort import effort_finding, effort_table, how_much_effort
from tierkit.pages.facts import money_parts
from tierkit.pages.moves import _favourite, flow_table
from tierkit.pages.revenue import ledger_sentence, matured
from tierkit.pages.tiers import tier_shares
from tierkit.rendering import Fragment, figures
from tierkit.rendering.page import environment, style_sheet
from tierkit.tiers.eligibility import NOT_YET

SECTIONS = (
    sections.title_block,
    sections.recommendation,
    sections.decide_now,
    sections.the_whole,
    sections.customers_of,
    sections.three_questions,
    sections.effort_as_it_was,
    sections.did_tiers_earn,
    sections.promised_and_delivered,
    sections.what_changed,
    sections.by_territory,
    sections.how_sure,
    sections.footer,
)
MAY_BE_EMPTY = (sections.customers_of, sections.effort_as_it_was, sections.by_territory)
COMPANIES = {
    "sample": companies.sample,
    "small": companies.small,
    "long names": companies.long_names,
    "hostile names": lambda: companies.long_names(companies.HOSTILE),
    "zero money": companies.zero_money,
    "huge": companies.huge,
    "one tier": lambda: companies.tiers_of(1),
    "five tiers": lambda: companies.tiers_of(5),
    "shown": lambda: companies.with_designs("shown"),
    "shown less": lambda: companies.with_designs("shown", direction="less"),
    "no effect": lambda: companies.with_designs("no effect worth having"),
    "nothing": dict,
}
NEVER = ("None", "nan", "inf", "p-value", "ATE", "confidence interval", "expected revenue")


class Page(HTMLParser):
    """The text of a page, its elements in order, and what they carry."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))

    def carried(self, attribute: str) -> list[str | None]:
        return [attrs[attribute] for _, attrs in self.tags if attribute in attrs]


def page(facts: dict[str, Any]) -> str:
    context = {"title": facts.get("title", ""), "quarter_label": "2026 Q3", "versions": {"a": "1"},
               "links": {}}  # fmt: skip
    sections = [make(facts).html for make in SECTIONS]
    template = environment().get_template("leadership.html.j2")
    return template.render(context=context, sections=sections, style=style_sheet())


def text_of(fragment: Fragment) -> str:
    return Page(fragment.html).text


@pytest.fixture(scope="module")
def drawn_pages() -> dict[str, str]:
    return {name: page(make()) for name, make in COMPANIES.items()}


@pytest.mark.parametrize("name", COMPANIES)
def test_no_page_says_a_missing_number_or_a_forbidden_word(drawn_pages, name):
    text = Page(drawn_pages[name]).text
    assert [word for word in NEVER if re.search(rf"(?<!\w){word}(?!\w)", text)] == []


@pytest.mark.parametrize("name", COMPANIES)
def test_no_page_names_a_command(drawn_pages, name):
    assert "`" not in Page(drawn_pages[name]).text.split("*/")[-1]


@pytest.mark.parametrize("name", COMPANIES)
def test_every_page_is_one_static_document(drawn_pages, name):
    html, seen = drawn_pages[name], Page(drawn_pages[name])
    headings = [int(tag[1]) for tag, _ in seen.tags if re.fullmatch("h[1-6]", tag)]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in seen.tags}
    assert not re.search(r"https?://", html)
    assert len(html.encode()) < 1_000_000
    ids = seen.carried("id")
    assert len(ids) == len(set(ids))
    assert seen.tags[1] == ("html", {"lang": "en"}) or seen.tags[0] == ("html", {"lang": "en"})


@pytest.mark.parametrize("name", ["sample", "hostile names"])
def test_the_same_facts_give_the_same_bytes_and_stay_as_they_are(drawn_pages, name):
    facts = COMPANIES[name]()
    before = copy.deepcopy(facts)
    assert page(facts) == drawn_pages[name]
    assert facts == before


def test_figures_and_tables_have_names():
    seen = Page(page(companies.with_designs("shown")))
    assert seen.carried("data-figure") == [
        "tier-sizes", "effort", "predicted-revenue", "ledger", "effects", "outcomes",
    ]  # fmt: skip
    assert seen.carried("data-table") == [
        "whole", "customer-parts", "effort-by-tier", "effort-as-it-was", "promises", "moves",
        "move-reasons", "by-territory",
    ]  # fmt: skip


def test_every_image_is_described_by_a_sentence(drawn_pages):
    described = [attrs for tag, attrs in Page(drawn_pages["sample"]).tags if tag == "svg"]
    assert all(attrs["role"] == "img" for attrs in described)
    assert all(str(attrs["aria-label"]).endswith(".") for attrs in described)


# ---- what the sample says


@pytest.mark.parametrize("name", COMPANIES)
def test_text_in_figures_has_a_colour_of_text_and_is_whole(drawn_pages, name):
    """What does not fit is said shorter, not cut off; names of people are as long as they are."""
    drawn = re.findall(r"<text([^>]*)>([^<]*)", drawn_pages[name])
    assert all(re.search(r"fill: var\(--(ink|muted|warn),", style) for style, _ in drawn)
    if "names" not in name:
        assert not [words for _, words in drawn if words.endswith("…")]


def test_the_title_names_company_quarter_dates_currency_and_scope():
    text = text_of(sections.title_block(companies.sample()))
    assert "Account tiers, 2026 Q3 (1 Jul – 30 Sep 2026)" in text
    assert "Data as of 30 Sep 2026 · Money in USD · 1,840 accounts in scope of 2,312" in text


def test_the_recommendation_is_one_paragraph_of_computed_numbers():
    html = sections.recommendation(companies.sample()).html
    assert html.count("<p") == 1
    assert Page(html).text.strip() == (
        "What we recommend Keep the present ranking, with corrected amounts, and adopt the tiers "
        "below. The card still ranks better than past revenue does. 14 of 1,840 accounts change "
        "tier. Two accounts enter Tier 1 ($1.3 M predicted), two leave ($400 k). Tier 1 should "
        "bring $6.1 M in the next four quarters (80 % range $4.9–7.4 M). Whether Tier 1 "
        "treatment itself adds revenue over Tier 2 cannot be told yet: with 15 accounts in Tier "
        "1 we would only see an effect above +90 %; nine more quarters would bring that to +50 %."
    )


def test_where_no_card_ranks_the_recommendation_says_which_rule_does():
    facts = companies.sample()
    facts["model"] |= {"kind": "past revenue", "ranked_by_in_words": "past revenue"}
    facts["decision"]["action"] = "refit"
    text = text_of(sections.recommendation(facts))
    assert "Rank by past revenue: with 1,840 accounts nothing that was tested does better." in text


def test_a_card_that_did_better_and_does_not_rank_is_not_hidden():
    facts = companies.sample()
    facts["model"] |= {
        "kind": "simple rule", "ranked_by": "best_column",
        "ranked_by_in_words": "the best single criterion",
        "shuffled_outcomes_rank": 4, "shuffled_outcomes_refits": 19,
    }  # fmt: skip
    facts["decision"]["action"] = "refit"
    text = text_of(sections.recommendation(facts))
    assert (
        "Rank by the best single criterion, won_revenue_4q: the fitted card did better in the "
        "tests, but so did 3 of 19 cards fitted to outcomes dealt out at random"
    ) in text
    assert "nothing that was tested does better" not in text


def test_the_whole_stands_beside_its_tiers_last_year_and_the_target():
    text = text_of(sections.the_whole(companies.sample()))
    assert (
        "All tiers together: $20 M in the next four quarters, +12 % on what the same accounts won "
        "before (Tier 1 +28 %, Tier 2 −1.2 %, Tier 3 +28 %)."
    ) in text
    assert (
        "Target of Q4 2026: $5.5 M; $5.1 M predicted (93 % of it); qualified pipeline due in it "
        "0.85 × target."
    ) in text
    assert (
        "This is new and expansion business; not part of it: renewals ($31 M in the year before) "
        "and accounts not known yet ($900 k in the year before)."
    ) in text
    cells = re.findall(r">([^<]*)</(?:span></)?td>", sections.the_whole(companies.sample()).html)
    assert "$6.1 M" in cells
    assert cells.count("$19.8 M") == 1  # 6.1 + 9.5 + 4.2, as printed


def test_parts_add_up_as_they_are_printed():
    assert money_parts("USD", [6_123_456, 9_480_000, 4_210_000]) == [
        "$6.1 M", "$9.5 M", "$4.2 M", "$19.8 M",
    ]  # fmt: skip
    assert money_parts("USD", [140_000, 140_000, 140_000])[-1] == "$420.0 k"
    assert money_parts("", []) == ["0"]


def test_what_changes_the_reading_is_a_warning_on_the_page():
    text = text_of(sections.the_whole(companies.sample()))
    assert "One account holds 12 % of the revenue won in the year before." in text
    assert "47 % of the places in Tier 1 and Tier 2 are borderline (149 of 315)" in text
    assert (
        "Rules, not ranks, hold 2 of 15 places in Tier 1: rank 126 (expired override) and rank "
        "130 (minimum stay); rank 11, $510 k predicted, waits for a place."
    ) in text


def test_a_ranking_whose_first_accounts_brought_less_is_a_warning_on_the_first_page():
    facts = companies.sample()
    models = facts["model"]["backtest"]["models"]
    facts["model"]["ranked_by"] = "card"
    models["card"]["capture_tier_1"] = 0.12
    models["last_tiers"] = {"capture_tier_1": 0.19}
    models["past_revenue"]["capture_tier_1"] = 0.15
    text = text_of(sections.the_whole(facts))
    assert (
        "In the tests the accounts that this ranking put first brought 12 % of later revenue, "
        "those that the tiers in force put there 19 %: look at who leaves Tier 1"
    ) in text
    models["card"]["capture_tier_1"] = 0.18
    assert "look at who leaves" not in text_of(sections.the_whole(facts))


def test_amounts_that_were_far_off_in_the_tests_are_a_warning_on_the_first_page():
    facts = companies.sample()
    facts["model"]["ranked_by"] = "card"
    facts["model"]["backtest"]["models"]["card"]["actual_over_predicted"] = 0.14
    text = text_of(sections.the_whole(facts))
    assert "In the tests accounts brought 0.14 times what was predicted" in text
    assert "as too high" in text
    facts["model"]["backtest"]["models"]["card"]["actual_over_predicted"] = 1.2
    assert "In the tests" not in text_of(sections.the_whole(facts))


def test_a_hidden_tier_cannot_be_worked_out_from_the_sum():
    facts = companies.sample()
    facts["whole"]["tiers"][0]["accounts"] = facts["tiers"][0]["accounts"] = 3
    html = page(facts)
    for told in ("$6.1 M", "$19.8 M", "$20 M", "31 % of predicted value"):
        assert told not in sections.the_whole(facts).html + sections.decide_now(facts).html
    assert "31 % of predicted value" not in html


def test_promises_stand_by_quarter_and_tier_with_what_came():
    text = text_of(sections.promised_and_delivered(companies.sample()))
    assert "2 of 3 earlier promises came in within their range; 80 % should." in text
    assert "The newest: $17 M of $18 M promised (−5.7 %); Tier 2 $7.1 M of $8.7 M." in text
    assert "✓ $5.2 M of $5.0 M" in text
    assert "▼ $7.1 M of $8.7 M" in text


@pytest.mark.parametrize(
    ("is_long", "said"), [(True, "80 % should."), (False, "four make a track record.")]
)
def test_several_quarters_that_are_due_make_a_record_in_words(is_long, said):
    facts = companies.sample()
    facts["track_record"] = {"quarters": 2, "is_track_record": is_long, "share_wanted": 0.8}
    assert f"All in all 2 of 3 did, over two quarters; {said}" in ledger_sentence(facts)


def test_promises_of_few_quarters_are_no_record():
    facts = companies.sample()
    facts["track_record"] = {"quarters": 1, "is_track_record": False, "share_wanted": 0.8}
    text = text_of(sections.promised_and_delivered(facts))
    assert "came in within their range; 80 % should over many quarters, and one is due." in text


@pytest.mark.parametrize(("change", "is_said"), [(1.2, True), (0.3, False)])
def test_growth_of_a_last_tier_is_told_from_luck_evening_out(change, is_said):
    facts = companies.sample()
    facts["whole"]["tiers"][-1]["change"] = change
    text = text_of(sections.the_whole(facts))
    assert ("Tier 3 holds accounts after a weak year" in text) is is_said


def test_a_range_too_wide_to_be_wrong_is_not_praised():
    facts = companies.sample()
    facts["ledger"][0] |= {"low": 100_000, "high": 90_000_000}
    text = text_of(sections.promised_and_delivered(facts))
    assert "though 1 of the ranges were too wide to be wrong" in text


def test_effort_stands_as_planned_and_as_it_was():
    text = text_of(sections.effort_as_it_was(companies.sample()))
    assert "140 of 1,860 h" in text
    assert "5.7 %" in text
    panel = text_of(sections.three_questions(companies.sample()))
    assert "Tier 1: 31 % of predicted value, 5.7 % of spend; 140 of 1,860 hours logged" in panel


def test_at_most_seven_territories_are_shown():
    html = sections.by_territory(companies.sample()).html
    assert html.count("<tr>") == 1 + 7 + 1  # heading, rows, how many there are
    assert "Showing 7 of 8 rows" in Page(html).text
    assert "▲ 130 of 100" in Page(html).text


def test_names_stand_on_the_page_only_where_the_facts_hold_them():
    assert "names accounts" not in text_of(sections.title_block(companies.sample()))
    named = companies.sample() | {"named": [{"tier": "Tier 1", "in": ["Acme"], "out": []}]}
    assert "internal: names accounts" in text_of(sections.title_block(named))
    assert "Into Tier 1: Acme." in text_of(sections.recommendation(named))


def test_the_three_questions_have_one_number_each():
    html = sections.three_questions(companies.sample()).html
    assert re.findall(r'class="big">([^<]*|<span class="nb">[^<]*)<', html)[0] == "14"
    text = Page(html).text
    assert "9,520 hours a quarter" in text
    assert "take 89 % of the 10,720 hours that the team has" in text
    assert "$6.1 M predicted for Tier 1" in text
    assert "Tier 1: 15 accounts hold 31 % of predicted revenue." in text
    assert "SDR is over capacity (│ hours available)." in text
    assert "Promised on 1 Oct 2025 for 1 Oct 2025 – 30 Sep 2026: 2 of 3 tiers came in" in text


def test_shares_of_predicted_revenue_add_up():
    assert tier_shares(companies.sample())["share"].sum() == pytest.approx(1)


def test_hours_of_a_role_add_up_to_its_tiers():
    table = effort_table(companies.sample()).set_index("label")
    assert table[[0, 1, 2]].sum(axis="columns").tolist() == [2_700, 4_260, 2_560]
    assert table.loc["SDR", "text"] == "▲ over: 4,260 of 3,840 h"


def test_moves_are_listed_from_the_largest_and_those_who_stay_are_left_out():
    table = flow_table(companies.sample())
    assert table.to_numpy().tolist()[0] == ["Tier 3", "Tier 2", 6]
    assert table["accounts"].sum() == 14  # as many as go up or down; 23 enter, and are no move


def test_accounts_that_are_not_there_yet_have_no_data_to_complete():
    facts = companies.sample()
    facts["data"]["untiered"] = {NOT_YET: 147}
    assert not [one for one in decisions(facts) if "Complete the data" in one.what]


def test_reasons_are_those_of_the_moves_beside_them():
    facts = companies.sample()
    moves = facts["moves"]
    moves["reasons_between_tiers"] = {"rank rose into the tier": 8, "override": 6}
    moves["reasons"] = {"override": 10, **moves["reasons"]}
    assert "Override 6" in text_of(sections.what_changed(facts))


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (("closed deals (8 quarters)", "0", "4"), "an account with 4 closed deals (8 quarters)"),
        (("employees", "58", "457"), "an account with 457 employees"),
        (("employees", "58", "1.59k"), "an account with 1.59k employees"),
        (("open deals", "0", "1"), "an account with 1 open deal brings"),
        (("wins (4 quarters)", "0", "1"), "an account with 1 win (4 quarters) brings"),
        (("tenure days", "457", "913"), "an account with tenure days of 913"),
    ],
)
def test_what_is_counted_is_said_as_a_count(one, said):
    name, low, high = one
    told = {"criterion": name, "from": low, "to": high, "factor": 2.0,
            "low": 1.5, "high": 2.5}  # fmt: skip
    assert _favourite(told).startswith(said)


def test_what_was_bought_is_said_as_money():
    told = {"criterion": "won revenue (4 quarters)", "from": "0", "to": "3.75k", "from_value": 0.0,
            "to_value": 3745.0, "factor": 2.0, "low": 1.5, "high": 2.5}  # fmt: skip
    said = "an account that bought for $3.7 k in the last four quarters brings 2.0 times (1.5–2.5)"
    assert _favourite(told, code="USD") == f"{said} as much as one that bought nothing"
    told |= {"from": "1.2k", "from_value": 1200.0}
    assert _favourite(told, code="USD") == f"{said} as much as one that bought for $1.2 k"


def test_a_rule_that_ranks_is_no_new_model_to_accept():
    facts = companies.sample()
    facts["model"] |= {"kind": "past revenue"}
    facts["decision"]["action"] = "refit"
    assert "Accept the new tiers." in [one.what for one in decisions(facts)]


def test_an_effect_that_no_treatment_has_is_not_said_to_be_seen():
    boundary = {"boundary": "Tier 1 / Tier 2", "smallest_detectable": 27.0}
    assert certainty(boundary) == "We would not even see an effect of +500 %."


def test_a_role_whose_hours_nobody_has_given_calls_for_no_decision():
    facts = companies.sample()
    for role in facts["effort"]["roles"]:
        role["available"] = 0.0
    assert not [one for one in decisions(facts) if "fewer accounts" in one.what]


def test_a_role_whose_hours_nobody_has_given_is_never_over_capacity():
    facts = companies.sample()
    facts["effort"]["roles"][1]["available"] = 0.0  # the SDR, who is asked for 4,260 hours
    table = effort_table(facts)
    assert table.loc[table["label"] == "SDR", "text"].tolist() == ["4,260 h"]
    assert effort_finding(table) == "Hours that each role's accounts need."
    assert "what the team has is not known" in how_much_effort(facts)


def test_a_decision_stands_with_its_money_its_owner_and_its_date():
    facts = companies.sample()
    found = {one.what: one for one in decisions(facts)}
    accept = found["Accept the new tiers."]
    assert accept.number == (
        "14 accounts change tier: 8 up, 6 down. Two accounts enter Tier 1 ($1.3 M predicted), two "
        "leave ($400 k)."
    )
    assert accept.in_words(facts) == "Chief revenue officer · by 15 Oct 2026 (day 15 of Q4 2026)"
    review = found["Review 6 expired overrides."]
    assert review.number == (
        "$310 k predicted revenue. Set by VP Sales EMEA and VP Sales Americas."
    )
    assert review.in_words(facts) == "Head of sales · review overdue since 1 Apr 2026"
    short = found["SDR: fewer accounts, lighter entitlements or more people."]
    assert short.number.startswith("420 hours")
    fix = found["Add the missing accounts of 42 deals."]
    assert fix.number == "$940 k won revenue is left out."
    assert fix.in_words(facts) == "Revenue operations · by 15 Oct 2026 (day 15 of Q4 2026)"


def test_hours_that_were_owed_and_not_logged_call_for_a_decision():
    facts = companies.sample()
    (first, *_) = facts["effort"]["tiers"]
    (asked,) = [one for one in decisions(facts) if one.subject == "effort" and "Serve" in one.what]
    assert asked.number == (
        "140 of the 1,860 hours that it was owed in Q3 2026 are logged. Its plan costs $180 k a "
        "quarter."
    )
    first["logged_hours"] = 1_000
    assert not [one for one in decisions(facts) if "Serve" in one.what]


def test_at_most_five_decisions_are_shown():
    facts = companies.sample()
    assert len(decisions(facts)) > 5
    assert sections.decide_now(facts).html.count("<li>") == 5


def test_a_slot_has_a_value_only_where_an_effect_is_shown():
    assert "One more is worth $96 k a quarter." in text_of(
        sections.decide_now(companies.with_designs("shown"))
    )
    text = text_of(sections.decide_now(companies.with_designs("suggestive")))
    assert "One more slot pays if Tier 1 treatment lifts revenue by 12 %." in text


def test_certainty_has_a_line_each_on_ranking_amounts_tiers_data_and_gaps():
    html = sections.how_sure(companies.sample()).html
    text = Page(html).text
    assert html.count("<dt>") == 5
    assert "brought 29 % of later revenue; ranked by past revenue alone" in text
    assert "actual revenue was 1.0 times the predicted" in text
    assert "$78.9 M of $81.4 M won revenue was used (97 %)" in text
    assert "the return on what tiers cost (needs costs)" in text


@pytest.mark.parametrize(
    ("below", "told"),
    [
        (0.012, "its order is 0.012 worse than that of the full card"),
        (0.0, "it orders them as well as the full card"),
    ],
)
def test_the_page_says_what_a_short_card_costs(below, told):
    facts = copy.deepcopy(companies.sample())
    criteria = [{"criterion": "wins", "bins": []}, {"criterion": "industry", "bins": []}]
    facts["model"]["short_card"] = {"gini_below_the_full_card": below, "criteria": criteria}
    text = text_of(sections.how_sure(facts))
    assert "A short card (2 criteria, whole points) can be printed" in text
    assert told in text


# ---- verdicts


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_verdict_comes_first_and_the_break_even_is_always_said(verdict):
    html = sections.did_tiers_earn(companies.with_designs(verdict)).html
    assert html.index(VERDICTS[verdict]) < html.index("<figure")
    assert "Tier 1 pays, against Tier 2, if it lifts revenue by 12 %." in Page(html).text


def test_a_word_that_is_no_verdict_cannot_tell():
    facts = companies.with_designs("shown")
    facts["roi"]["boundaries"][0]["verdict"] = "proven beyond doubt"
    text = text_of(sections.did_tiers_earn(facts))
    assert "proven" not in text
    assert "Cannot tell" in text


def test_an_effect_that_is_less_is_called_less():
    facts = companies.with_designs("shown", direction="less")
    assert "brings less revenue, compared with Tier 2" in text_of(sections.recommendation(facts))
    assert "Lighten the treatment of Tier 1" in text_of(sections.decide_now(facts))


def test_the_raw_difference_is_never_called_an_effect():
    text = text_of(sections.did_tiers_earn(companies.sample()))
    assert "before adjusting for who was picked (grey)" in text
    assert "adds revenue: +240 %" not in text
    table = forest_table(companies.sample()["roi"]["boundaries"])
    assert table["raw"].all()


def test_accounts_that_moved_are_never_the_number_of_a_verdict():
    (boundary, *_) = companies.with_designs("suggestive")["roi"]["boundaries"]
    boundary["designs"] = [one for one in boundary["designs"] if one["design"] != "cutoff"]
    assert best_design(boundary)["design"] == "adjusted"
    boundary["designs"] = [one for one in boundary["designs"] if one["design"] != "adjusted"]
    assert best_design(boundary) == {}


def test_a_design_of_fewer_than_100_cases_shows_how_many():
    boundaries = companies.with_designs("shown")["roi"]["boundaries"][:1]
    labels = forest_table(boundaries)["label"].tolist()
    assert labels[1] == "Just above and below the line, 84 cases"
    assert labels[2] == "Against accounts like them"


def test_a_design_without_an_estimate_says_why():
    boundaries = companies.with_designs("shown")["roi"]["boundaries"][:1]
    assert forest_table(boundaries)["text"].iloc[-1] == "no account was drawn"


def test_what_would_settle_it_is_one_sentence_of_power_wait_and_lot():
    boundary = {"boundary": "Tier 1 / Tier 2", "smallest_detectable": 0.35,
                "quarters_until": {"10": 14, "20": 6, "50": 0}}  # fmt: skip
    assert certainty(boundary) == (
        "We would only see an effect above +35 %; an effect of +20 % could be seen after six more "
        "quarters, one of +10 % after 14 more."
    )
    never = {"50": None, "50_why": "no history of this company will settle it"}
    assert certainty({**boundary, "quarters_until": never, "randomised_band": {"50": 46}}) == (
        "We would only see an effect above +35 %; no history of this company will settle it, not "
        "even one of +50 %; a random draw of 46 accounts, half of them in Tier 1, would show "
        "+50 % within a year."
    )
    unknown = {"smallest_detectable": None, "smallest_detectable_why": "too few lines"}
    assert certainty(unknown) == "Which effect we could see is not known: too few lines."
    assert certainty({}) == ""


@pytest.mark.parametrize(
    "verdict", ["shown", "suggestive", "no effect worth having", "cannot tell"]
)
def test_a_verdict_stands_with_its_number_and_its_certainty_in_three_sentences(verdict):
    facts = companies.with_designs(verdict)
    html = sections.did_tiers_earn(facts).html
    first = html[html.index('class="verdict"') :].split("</h3>", 1)[1].split("<h3", 1)[0]
    told = [Page(part).text for part in re.findall(r"<p>(.*?)</p>", first)]
    assert 2 <= len(told) <= 3
    assert all(re.search(r"\.$", one) for one in told)
    assert not any(re.search(r"\. [A-Z]", one) for one in told)


def test_without_tier_history_the_fourth_question_says_what_it_needs():
    text = text_of(sections.did_tiers_earn(companies.small()))
    assert "Cannot tell" in text
    assert "from the first quarter whose tiers are accepted on" in text


def test_one_tier_has_nothing_to_be_compared_with():
    facts = companies.tiers_of(1)
    assert "There is one tier" in text_of(sections.did_tiers_earn(facts))
    assert "cannot be told" not in text_of(sections.recommendation(facts))


# ---- what is not known, or not shown


def test_a_group_that_is_too_small_is_not_shown_and_cannot_be_worked_out():
    text = Page(page(companies.small())).text
    assert "Tier 1: 4 accounts" not in text
    assert "Tier 2 should bring CHF 88 k in the next two quarters" in text
    assert "CHF 88 k predicted for Tier 2" in text
    assert "61 k" not in text
    assert tier_shares(companies.small())["share"].isna().all()


def test_min_group_is_a_setting():
    facts = companies.small() | {"min_group": 3}
    assert "CHF 61 k" in text_of(sections.recommendation(facts))


def test_a_number_that_is_not_known_says_why():
    text = Page(page(companies.small())).text
    assert "Not computed: no entitlements are set." in text
    assert "It cannot be tested yet. The history is shorter than two horizons." in text
    facts = companies.sample()
    facts["tiers"][0] |= {
        "predicted_revenue": None,
        "predicted_revenue_why": "the card has no scale",
    }
    assert "Tier 1 should bring cannot be said: the card has no scale." in text_of(
        sections.recommendation(facts)
    )


def test_a_first_run_has_no_moves():
    text = text_of(sections.three_questions(companies.small()))
    assert "52 accounts get a tier" in text
    assert "The first run: 52 accounts in 3 tiers, none was in one before." in text


def test_promises_count_only_when_their_window_is_over():
    facts = companies.sample()
    assert matured(facts)["label"].tolist() == ["Tier 1", "Tier 2", "Tier 3"]
    facts["ledger"] = facts["ledger"][3:]
    assert matured(facts).empty
    assert ledger_sentence(facts).startswith("Earlier promises: none is due yet.")


@pytest.mark.parametrize("key", companies.sample())
def test_every_part_of_the_facts_may_be_missing(key, monkeypatch):
    monkeypatch.setattr(figures, "svg", lambda *_, **__: Markup(""))  # drawing is tested above
    facts = companies.sample()
    del facts[key]
    assert all(make(facts).html for make in SECTIONS if make not in MAY_BE_EMPTY)
    assert all(isinstance(make(facts), Fragment) for make in MAY_BE_EMPTY)


def silenced(value: Any) -> Any:
    """Return facts in which no number is known."""
    if isinstance(value, dict):
        return {key: silenced(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [silenced(entry) for entry in value]
    return float("nan") if isinstance(value, int | float) and value is not True else value


@pytest.mark.parametrize("make", SECTIONS)
def test_facts_without_a_single_number_still_make_a_page(make):
    text = text_of(make(silenced(companies.with_designs("shown"))))
    assert not re.search(r"(?<!\w)(nan|None|inf)(?!\w)", text)


# ---- names


def test_hostile_names_are_text(drawn_pages):
    html = drawn_pages["hostile names"]
    assert "<script" not in html
    assert "<img" not in html
    assert "{{ template }}" in Page(html).text


def test_the_fragments_show_themselves():
    fragment = sections.title_block(companies.sample())
    assert fragment._repr_html_() == fragment.html
    assert repr(fragment).startswith("Northwind Instruments Account tiers, 2026 Q3")


def test_an_effect_that_all_lines_show_is_told_with_their_number():
    line = {"estimate": 0.34, "low": -0.08, "high": 0.95}
    boundary = {"boundary": "Tier 1 / Tier 2", "verdict": "shown", "direction": "more",
                "designs": [{"design": "cutoff", "relative": line}]}  # fmt: skip
    wins = {"reading": "wins", "relative": {"estimate": 0.26, "low": 0.12, "high": 0.49}}
    together = {"carried_by": "wins", "readings": [wins]}
    told = "Tier 1 treatment itself adds revenue, compared with Tier 2: "
    assert finding(boundary, together) == (
        f"{told}over all lines together, won deals +26 % (range +12 % to +49 %)"
    )
    assert finding(boundary) == f"{told}+34 % (range −8 % to +95 %)"
    boundary["designs"].append({"design": "randomised", "relative": line})
    assert finding(boundary, together) == f"{told}+34 % (range −8 % to +95 %)"


def test_no_command_no_key_and_no_column_is_named_to_leadership():
    """What an analyst must do stands on the analyst page; here stands what is missing."""
    facts = companies.small()
    history = "Record it in tier_history. `tierkit accept QUARTER` writes it when tiers take force."
    facts["tiers"][0] |= {
        "hours_why": "no tier has entitlements; write [[tiers.entitlements]] in tierkit.toml",
        "predicted_pipeline": None, "predicted_pipeline_why": "needs opportunities.created_date",
    }  # fmt: skip
    facts["roi"] = {"boundaries": [{"boundary": "Tier 1 / Tier 2", "because": history}]}
    facts["data"]["excluded"] = [
        {"table": "opportunities", "reason": "no account_id", "rows": 3, "won_revenue": 9_000}
    ]
    text = Page(page(facts)).text.split("How sure")[0].split("*/")[-1]
    text = text.partition("Brightwater Clinics")[2]
    assert "Not computed: no tier has entitlements." in text
    assert "needs opportunities: created date" in text
    assert "Record it in tier history." in text
    assert "Add the customer to 3 deals." in text
    assert not re.search(r"`|\[\[|\.toml|\w_\w", text)
