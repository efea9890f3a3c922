import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drsim.domain.clock import (
    DAY,
    HOUR,
    LAST,
    MINUTE,
    SECOND,
    Clock,
    format_millis,
    format_precise,
    format_span,
    format_time,
    parse_rate,
    parse_span,
    parse_time,
)

FIRST = parse_time("0001-01-01T00:00:00Z")
INSTANTS = st.integers(FIRST, LAST)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("0s", 0),
        ("7d", 7 * DAY),
        ("90s", 90 * SECOND),
        ("1h30m", 90 * MINUTE),
        ("30m1h", 90 * MINUTE),
        ("2w", 14 * DAY),
        ("500ms", SECOND // 2),
        ("5us", 5),
        (" 1d12h ", 36 * HOUR),
    ],
)
def test_a_span_is_read_unit_by_unit(text: str, span: int) -> None:
    assert parse_span(text) == span


@pytest.mark.parametrize(
    "text", ["", "7", "d", "7 d", "-7d", "1.5h", "7dd", "7d and", "1y", "999999999999w", "\u0663s", "7d\n8x"]
)
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_span(text)


@given(st.integers(0, LAST))
def test_a_span_that_is_written_reads_back_the_same(span: int) -> None:
    assert parse_span(format_span(span)) == span


@pytest.mark.parametrize(
    ("span", "text"), [(0, "0s"), (7 * DAY, "7d"), (90 * MINUTE, "1h30m"), (1500, "1ms500us"), (14 * DAY, "14d")]
)
def test_a_span_is_written_in_its_largest_units(span: int, text: str) -> None:
    assert format_span(span) == text


@given(INSTANTS)
def test_an_instant_that_is_written_reads_back_the_same(time: int) -> None:
    assert parse_time(format_precise(time)) == time
    assert parse_time(format_time(time)) == time - time % SECOND
    assert parse_time(format_millis(time)) == time - time % 1000


@pytest.mark.parametrize(
    ("text", "precise", "whole"),
    [
        ("2022-07-01T17:55:58Z", "2022-07-01T17:55:58Z", "2022-07-01T17:55:58Z"),
        ("2022-07-05T13:00:26.67313Z", "2022-07-05T13:00:26.67313Z", "2022-07-05T13:00:26Z"),
        ("2022-07-05T13:00:26.500000Z", "2022-07-05T13:00:26.5Z", "2022-07-05T13:00:26Z"),
        ("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59Z"),
        ("0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z", "0999-01-01T00:00:00Z"),
    ],
)
def test_events_show_decimals_without_trailing_zeros_and_resources_whole_seconds(
    text: str, precise: str, whole: str
) -> None:
    assert (format_precise(parse_time(text)), format_time(parse_time(text))) == (precise, whole)


def test_webhooks_show_milliseconds() -> None:
    assert format_millis(parse_time("2022-07-05T13:00:21.087999Z")) == "2022-07-05T13:00:21.087Z"
    assert format_millis(parse_time("2022-07-05T13:00:08.61Z")) == "2022-07-05T13:00:08.61Z"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2022-07-01",
        "2022-07-01T17:55:58",
        "2022-07-01T17:55:58+00:00",
        "2022-07-01 17:55:58Z",
        "2022-02-30T00:00:00Z",
        "2022-07-01T24:00:00Z",
        "2022-07-01T23:59:60Z",
        "0000-01-01T00:00:00Z",
        "2022-07-01T17:55:58.Z",
        "2022-07-01T17:55:58.1234567Z",
        "2022-07-01T17:55:58Z\n",
        "\u0662\u0660\u0662\u0662-07-01T17:55:58Z",
    ],
)
def test_what_is_no_time_in_the_format_of_the_api_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


def test_a_manual_clock_stands_still_until_it_is_moved() -> None:
    clock = Clock(base=100, since=5, rate=0)
    assert clock.now(5) == clock.now(10**15) == 100
    assert clock.until(101, wall=7) is None
    assert clock.until(100, wall=7) == 0.0
    assert clock.moved(700, wall=9).now(10) == 700


def test_a_real_clock_runs_with_the_wall() -> None:
    clock = Clock(base=1000 * SECOND, since=50, rate=1)
    assert clock.now(50) == 1000 * SECOND
    assert clock.now(50 + 3 * SECOND) == 1003 * SECOND
    assert clock.until(1003 * SECOND, wall=50) == 3.0
    assert clock.until(999 * SECOND, wall=50) == 0.0


def test_a_clock_of_rate_60_runs_a_minute_per_second() -> None:
    clock = Clock(base=0, since=0, rate=60)
    assert clock.now(SECOND) == MINUTE
    assert clock.until(HOUR, wall=0) == 60.0
    assert clock.moved(DAY, wall=SECOND).now(2 * SECOND) == DAY + MINUTE


@given(
    st.integers(0, LAST // 2),
    st.integers(0, 10**15),
    st.sampled_from([0.5, 1.0, 60.0, 1e6]),
    st.integers(0, 365 * DAY),
)
def test_a_clock_gets_where_it_says_it_will_when_it_says_so(base: int, since: int, rate: float, ahead: int) -> None:
    clock = Clock(base, since, rate)
    seconds = clock.until(base + ahead, since)
    assert seconds is not None
    assert clock.now(since + math.ceil(seconds * SECOND) + 1) >= base + ahead
    assert clock.now(since + math.floor(seconds * SECOND) - 1) <= base + ahead


def test_no_clock_runs_past_the_last_time_that_can_be_written() -> None:
    clock = Clock(base=LAST - 1, since=0, rate=1e6)
    assert clock.now(DAY) == LAST
    assert format_time(clock.now(DAY)) == "9999-01-01T00:00:00Z"


@pytest.mark.parametrize(("text", "rate"), [("manual", 0), ("real", 1), ("x60", 60), ("x0.5", 0.5), ("x1000000", 1e6)])
def test_a_rate_is_read_and_named_again(text: str, rate: float) -> None:
    assert parse_rate(text) == rate
    assert Clock(0, 0, rate).mode in (text, f"x{rate:g}")


@pytest.mark.parametrize("text", ["", "x", "x0", "60", "x-1", "x1e3", "x9999999", "fast", "x1000001", "x\u0663"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_rate(text)
