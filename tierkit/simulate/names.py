"""Names for companies, domains and people, industries and countries of the simulated market."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tierkit.simulate.scenario import IntArray

TextArray = NDArray[np.object_]


@dataclass(frozen=True)
class Industry:
    """An industry: share of accounts, revenue per employee, demand (log) and words of its names."""

    name: str
    share: float
    revenue_per_employee: float
    demand: float
    words: tuple[str, ...]


@dataclass(frozen=True)
class Country:
    """A country: share of accounts, region, territories, legal forms and the domain ending."""

    code: str
    name: str
    share: float
    region: str
    territories: tuple[str, ...]
    legal: tuple[str, ...]
    ending: str


INDUSTRIES = (
    Industry(
        "Software",
        0.15,
        230_000,
        0.30,
        ("Systems", "Software", "Labs", "Technologies"),
    ),
    Industry(
        "Financial Services",
        0.12,
        310_000,
        0.25,
        ("Capital", "Bank", "Partners", "Finance"),
    ),
    Industry(
        "Manufacturing",
        0.16,
        240_000,
        0.00,
        ("Industries", "Manufacturing", "Works", "Metals"),
    ),
    Industry(
        "Healthcare",
        0.12,
        190_000,
        0.05,
        ("Health", "Medical", "Clinics", "Care"),
    ),
    Industry(
        "Retail",
        0.11,
        260_000,
        -0.10,
        ("Stores", "Retail", "Markets", "Outfitters"),
    ),
    Industry(
        "Business Services",
        0.11,
        150_000,
        0.05,
        ("Consulting", "Services", "Advisors", "Group"),
    ),
    Industry(
        "Logistics",
        0.08,
        210_000,
        0.00,
        ("Logistics", "Freight", "Shipping", "Transport"),
    ),
    Industry(
        "Energy",
        0.05,
        480_000,
        -0.05,
        ("Energy", "Power", "Utilities", "Renewables"),
    ),
    Industry(
        "Education",
        0.06,
        110_000,
        -0.35,
        ("University", "Academy", "Learning", "College"),
    ),
    Industry(
        "Public Sector",
        0.04,
        120_000,
        -0.45,
        ("Authority", "Council", "Agency", "District"),
    ),
)

COUNTRIES = (
    Country(
        "US",
        "United States",
        0.52,
        "Americas",
        ("US East", "US Central", "US West"),
        ("Inc", "LLC", "Corp"),
        "com",
    ),
    Country("CA", "Canada", 0.07, "Americas", ("Canada",), ("Inc", "Ltd"), "ca"),
    Country("GB", "United Kingdom", 0.13, "EMEA", ("UK & Ireland",), ("Ltd", "plc"), "co.uk"),
    Country("DE", "Germany", 0.10, "EMEA", ("DACH",), ("GmbH", "AG"), "de"),
    Country("FR", "France", 0.06, "EMEA", ("France & Benelux",), ("SAS", "SA"), "fr"),
    Country("NL", "Netherlands", 0.04, "EMEA", ("France & Benelux",), ("BV",), "nl"),
    Country("AU", "Australia", 0.05, "APAC", ("ANZ",), ("Pty Ltd",), "com.au"),
    Country("SG", "Singapore", 0.03, "APAC", ("South-East Asia",), ("Pte Ltd",), "sg"),
)

_FIRST_PARTS_TEXT = """
Alder Amber Anchor Apex Arc Ash Atlas Aurora Azure Beacon Birch Blue Bold Bright Broad Bridge
Cardinal Castle Cedar Clear Cliff Cobalt Copper Coral Crest Cross Crown Delta Dover East Echo
Edge Elm Ember Falcon Fern First Flint Forest Fox Glen Golden Grand Granite Green Grove Harbor
Haven Hazel Heron High Hill Iron Ivory Jasper Juniper Key Kings Lake Lark Laurel Linden Lion
Long Maple Marble Meadow Mill Moss New North Nova Oak Olive Orchard Park Pearl Pine Pioneer
Prime Quarry Raven Red Ridge River Rock Rose Sage Sand Silver Sky Slate Spring Spruce Star Stone
Summit Sun Swift Tall Thorn Timber True Union Vale Velvet West White Wild Willow Wind Wood York
"""
_FIRST_PARTS = tuple(_FIRST_PARTS_TEXT.split())
_SECOND_PARTS_TEXT = """
bank bay brook burg bury cove dale field ford gate grove haven hurst land leaf ley line mark
mere mont more peak point port range reach ridge side stead stone ton vale view ville wall ward
water way well wick wood worth
"""
_SECOND_PARTS = tuple(_SECOND_PARTS_TEXT.split())

_FIRST_NAMES_TEXT = """
Aisha Ana Andre Anna Ben Carla Carlos Chloe Daniel David Elena Emma Erik Farah Felix Grace
Hannah Hugo Ines Ivan Jack James Jana Joao Julia Kate Kenji Lara Leo Liam Lina Lucas Maria Marta
Max Mei Mia Nadia Noah Nora Olivia Omar Paul Priya Rachel Ravi Rosa Sam Sara Sofia Stefan Tara
Tom Victor Wei Yara Zoe
"""
FIRST_NAMES = tuple(_FIRST_NAMES_TEXT.split())
_LAST_NAMES_TEXT = """
Adams Ahmed Andersson Bauer Bennett Brown Carter Chen Clarke Costa Dubois Evans Fischer Garcia
Gupta Hansen Harris Hoffmann Jansen Johnson Kaya Khan Kim Kowalski Lee Lopez Martin Meyer Moreau
Murphy Nakamura Nguyen Novak Okafor Olsen Patel Pereira Quinn Rossi Santos Schmidt Silva Singh
Smith Tan Taylor Visser Walker Weber Williams Wilson Wright Yamada Young
"""
LAST_NAMES = tuple(_LAST_NAMES_TEXT.split())


def company_names(
    industry: IntArray, country: IntArray, parent: IntArray, rng: np.random.Generator
) -> TextArray:
    """Return a name per account, all different; a subsidiary carries its parent's."""
    stems = _stems(industry, rng)
    legal_pick = rng.random(len(industry))
    names: list[str] = []
    seen: set[str] = set()
    for place in range(len(industry)):
        land = COUNTRIES[country[place]]
        legal = land.legal[int(legal_pick[place] * len(land.legal))]
        stem = stems[place] if parent[place] < 0 else f"{stems[parent[place]]} {land.name}"
        names.append(_first_free(stem, legal, seen))
    return np.array(names, dtype=object)


def _stems(industry: IntArray, rng: np.random.Generator) -> list[str]:
    """Return the part of each name before the legal form, such as `Brightwater Logistics`."""
    firsts = rng.integers(0, len(_FIRST_PARTS), len(industry))
    seconds = rng.integers(0, len(_SECOND_PARTS), len(industry))
    words = rng.random(len(industry))
    stems = []
    for place, code in enumerate(industry):
        choice = INDUSTRIES[code].words
        word = choice[int(words[place] * len(choice))]
        stems.append(f"{_FIRST_PARTS[firsts[place]]}{_SECOND_PARTS[seconds[place]]} {word}")
    return stems


def _first_free(stem: str, legal: str, seen: set[str]) -> str:
    """Return `stem legal`, with a number where that name is taken, and remember it."""
    name, number = f"{stem} {legal}", 1
    while name in seen:
        number += 1
        name = f"{stem} {number} {legal}"
    seen.add(name)
    return name


def domain_names(names: TextArray, country: IntArray) -> TextArray:
    """Return a domain per name, all different."""
    seen: set[str] = set()
    domains: list[str] = []
    for name, code in zip(names, country, strict=True):
        land = COUNTRIES[code]
        bare = name
        for legal in land.legal:
            bare = bare.removesuffix(f" {legal}")
        plain = unicodedata.normalize("NFKD", bare.removesuffix(f" {land.name}")).lower()
        slug = re.sub(r"[^a-z0-9]", "", plain)
        slug = slug if f"{slug}.{land.ending}" not in seen else f"{slug}-{len(domains) + 1}"
        seen.add(f"{slug}.{land.ending}")
        domains.append(f"{slug}.{land.ending}")
    return np.array(domains, dtype=object)
