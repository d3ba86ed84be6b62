"""Parse dates in the formats of the sources."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

_MAX_SECONDS = 1e11
_FORMATS = ("%Y/%m/%d", "%d.%m.%Y")
_MONTHS = {
    name: number
    for number, name in enumerate(
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1
    )
}
_WITH_MONTH = re.compile(
    r"(\d{1,2})-([A-Za-z]{3})-(\d{4})(?: (\d{1,2}):(\d{1,2}):(\d{1,2})\.\d{1,6})?", re.ASCII
)


def parse_date(value: Any) -> int | None:
    """Parse a date -> seconds since 1970 in UTC, or None.

    Formats: ISO 8601, RFC 2822, seconds since 1970, and a few other common ones.
    """
    if isinstance(value, int | float) and not isinstance(value, bool):
        # The comparison is false for nan and inf, and exact for any integer.
        return int(value) if abs(value) < _MAX_SECONDS else None
    if not isinstance(value, str) or not value.strip():
        return None
    value = value.strip()
    readings = [
        datetime.fromisoformat,
        _read_with_month,
        *(lambda text, f=form: datetime.strptime(text, f) for form in _FORMATS),
        parsedate_to_datetime,
    ]
    for read in readings:
        try:
            moment = read(value)
            return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _read_with_month(value: str) -> datetime:
    """Parse `26-FEB-1987` or `26-FEB-1987 15:01:01.79`. Raises ValueError.

    strptime is ten times slower and takes the names of the months from the locale.
    """
    match = _WITH_MONTH.fullmatch(value)
    if match is None or (month := _MONTHS.get(match[2].lower())) is None:
        raise ValueError(value)
    hour, minute, second = (int(part or 0) for part in match.groups()[3:])
    return datetime(int(match[3]), month, int(match[1]), hour, minute, second)
