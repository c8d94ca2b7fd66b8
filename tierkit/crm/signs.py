"""Signs, codes and names of currencies, as people write them beside amounts."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODES = (
    "AED ARS AUD BGN BRL CAD CHF CLP CNY COP CZK DKK EGP EUR GBP HKD HUF IDR ILS INR ISK JPY KES "
    "KRW KWD MAD MXN MYR NGN NOK NZD PEN PHP PKR PLN QAR RON RSD RUB SAR SEK SGD THB TRY TWD UAH "
    "USD UYU VND ZAR"
).replace(" ", "|")
CURRENCY = (
    r"(?:US|AU|CA|NZ|HK|R|A|C|S)?\$|[€£¥￥₹₩₪₺₽₴₫฿₦₱円元]|zł|Kč|Ft\b|lei\b|лв\.?|руб\.?|"
    rf"(?i:euros?|kr\.?|sfr\.?|rs\.?)|Fr\.|{_CODES}"
)
_CODE_OF = {
    "$": "USD", "US$": "USD", "AU$": "AUD", "A$": "AUD", "CA$": "CAD", "C$": "CAD", "NZ$": "NZD",
    "HK$": "HKD", "S$": "SGD", "R$": "BRL", "€": "EUR", "£": "GBP", "¥": "JPY", "￥": "JPY",
    "円": "JPY", "元": "CNY", "₹": "INR", "RS": "INR", "₩": "KRW", "₪": "ILS", "₺": "TRY",
    "₽": "RUB", "РУБ": "RUB", "₴": "UAH", "₫": "VND", "฿": "THB", "₦": "NGN", "₱": "PHP",
    "ZŁ": "PLN", "KČ": "CZK", "FT": "HUF", "LEI": "RON", "ЛВ": "BGN", "EURO": "EUR",
    "EUROS": "EUR", "SFR": "CHF", "FR": "CHF", "KR": "kr",
    "US DOLLAR": "USD", "US DOLLARS": "USD", "DOLLAR": "USD", "DOLLARS": "USD",
    "BRITISH POUND": "GBP", "BRITISH POUNDS": "GBP", "POUND STERLING": "GBP",
    "POUNDS STERLING": "GBP", "STERLING": "GBP", "SWISS FRANC": "CHF", "SWISS FRANCS": "CHF",
    "SCHWEIZER FRANKEN": "CHF", "JAPANESE YEN": "JPY", "YEN": "JPY", "YUAN": "CNY",
    "CANADIAN DOLLAR": "CAD", "AUSTRALIAN DOLLAR": "AUD", "INDIAN RUPEE": "INR",
    "SWEDISH KRONA": "SEK", "NORWEGIAN KRONE": "NOK", "DANISH KRONE": "DKK",
    "POLISH ZLOTY": "PLN", "CZECH KORUNA": "CZK", "BRAZILIAN REAL": "BRL", "U.S. DOLLAR": "USD",
    "UNITED STATES DOLLAR": "USD", "US-DOLLAR": "USD", "PFUND STERLING": "GBP",
}  # fmt: skip
"""Codes of currencies by their signs and names; `kr` may be any crown."""

_TOKEN = re.compile(CURRENCY)


def code_of(name: str) -> str | None:
    """Return the code of a currency by its sign or name, `EUR` for `€` and `Euro`.

    Examples
    --------
    >>> code_of("US Dollar"), code_of("€"), code_of("eur"), code_of("shells")
    ('USD', 'EUR', 'EUR', None)
    """
    known = " ".join(name.upper().rstrip(".").split())
    return known if known in _CODES.split("|") else _CODE_OF.get(known)


def currencies_of(marks: Iterable[str]) -> tuple[str, ...]:
    """Return the codes of the currencies whose signs, names or codes stand in some texts.

    Examples
    --------
    >>> currencies_of(["€", "EUR", "US$", "k"])
    ('EUR', 'USD')
    """
    tokens = [token for mark in marks for token in _TOKEN.findall(mark)]
    return tuple(sorted({code for token in tokens if (code := code_of(token))}))
