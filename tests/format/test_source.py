"""YAML is read plainly, with places, and refused quickly when it is anything but plain."""

import time
import tracemalloc
from decimal import Decimal
from typing import Any

import pytest

from drsim.format.problems import Unfit
from drsim.format.source import parse


def values(text: str) -> dict[str, Any]:
    return parse(text, "f.yaml").values


def problems(text: str) -> list[str]:
    with pytest.raises(Unfit) as raised:
        parse(text, "f.yaml")
    return str(raised.value).splitlines()


def test_every_value_and_key_has_its_place() -> None:
    document = parse("a: 1\nlist:\n  - {b: two}\n", "f.yaml")
    assert document.values == {"a": 1, "list": [{"b": "two"}]}
    assert document.places[("a",)] == (1, 4)
    assert document.places[("list", 0, "b")] == (3, 9)
    assert document.key_places[("list", 0, "b")] == (3, 6)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("2022-03-02T17:38:00Z", "2022-03-02T17:38:00Z"),
        ("'2022-03-02T17:38:00Z'", "2022-03-02T17:38:00Z"),
        ("2022-03-02", "2022-03-02"),
        ("12:30:00", "12:30:00"),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("off", "off"),
        ("~", None),
        ("", None),
        ("017", "017"),
        ("01234", "01234"),
        ("0x1F", "0x1F"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("-12", -12),
        ("10.10", Decimal("10.10")),
        ("1e3", Decimal("1e3")),
        (".5", Decimal("0.5")),
        (".", "."),
        ("4000 0000 0000 4103", "4000 0000 0000 4103"),
        ("'10.10'", "10.10"),
        ("9" * 60, "9" * 60),
    ],
)
def test_words_mean_what_they_look_like(word: str, value: Any) -> None:
    read = values(f"a: {word}")["a"]
    assert read == value
    assert type(read) is type(value)


def test_decimals_keep_their_digits() -> None:
    assert str(values("a: 10.10")["a"]) == "10.10"
    assert str(values("a: .inf")["a"]) == "Infinity"


def test_json_is_read_as_well_with_tabs_and_escaped_pairs() -> None:
    assert values('{"a":\n\t[1, 2.50, "\\ud83d\\ude00", "\\/"]}') == {"a": [1, Decimal("2.50"), "😀", "/"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: found nothing, expected a mapping"),
        ("- a", "1:1: found a list, expected a mapping"),
        ("just text", "1:1: found 'just text', expected a mapping"),
        (
            "a: !!python/object:os.system x",
            "1:4: found the tag 'tag:yaml.org,2002:python/object:os.system', expected no tags",
        ),
        ("a: !x 1", "1:4: found the tag '!x', expected no tags"),
        ("a: &x 1", "1:4: found the anchor '&x', expected no anchors"),
        ("a: *x", "1:4: found the alias '*x', expected the value itself"),
        ("<<: {a: 1}", "1:1: found the merge key '<<', expected no merge keys"),
        ("a: 1\nb: 2\na: 3", "3:1: found the key 'a' again, expected it once (first in line 1)"),
        ("a: {b: 1, b: 2}", "1:11: found the key 'b' again, expected it once (first in line 1)"),
        ("1: x", "1:1: found the key 1, expected text, as '1' in quotes"),
        ("true: x", "1:1: found the key true, expected text, as 'true' in quotes"),
        ("? [a]\n: x", "1:3: found the key a list, expected text"),
        ("a: 1\n---\nb: 2", "2:1: found a second document, expected one document"),
        ("%YAML 1.1\n---\na: 1", "1:1: found a line that starts with %, expected no directives"),
        ("a: 1\nb: \x01", "2:4: found a control character, expected text"),
        ("a: é\nb: é\x01", "2:5: found a control character, expected text"),
        ('a: "\ud800"', "1:5: found half a character, expected whole characters"),
        ("a: b: c", "1:5: found text that is not YAML (mapping values are not allowed in this context), expected YAML"),
        (
            'a: {b: "${c}"} d',
            "1:16: found text that is not YAML (did not find expected key while parsing a block mapping),"
            " expected YAML",
        ),
        (
            "a: 1\nb: {c: ${d}, e: 1}",
            "2:9: found text that is not YAML (did not find expected ',' or '}' while parsing a"
            " flow mapping), expected YAML, with quotes around a text with ${…} inside of { } or [ ]",
        ),
        (
            "a: {b: *}",
            "1:9: found text that is not YAML (did not find expected alphabetic or numeric character while"
            " scanning an alias), expected YAML, with quotes around a text that begins with * or &",
        ),
    ],
)
def test_what_is_not_plain_is_refused_in_these_words(text: str, expected: str) -> None:
    assert problems(text) == [f"f.yaml:{expected}"]


def test_a_key_in_quotes_may_be_any_text() -> None:
    assert values("{'1': a, '<<': b}") == {"1": "a", "<<": "b"}


def test_all_problems_are_told_at_once_in_the_order_in_which_they_stand() -> None:
    told = problems("a: !x 1\nb: &q [1]\nc: *q\n<<: {}\na: 2\n")
    assert [line.split(":")[1] for line in told] == ["1", "2", "3", "4", "5"]


HOSTILE = {
    "deep lists": "[" * 1_000_000,
    "deep mappings": "{a: " * 250_000,
    "deep sequences": "- " * 500_000,
    "deep keys": "{" + "? " * 400_000,
    "many values": "a: [" + "1," * 500_000 + "]",
    "many lines": "a:\n" + "- x\n" * 250_000,
    "expanding aliases": "a: &a [x,x,x,x]\n"
    + "".join(f"{k}: &{k} [*{j},*{j},*{j},*{j}]\n" for j, k in zip("abcdefgh", "bcdefghi", strict=True)),
    "an alias of itself": "a: &a [*a]",
    "many tags": "a: [" + "!x y," * 150_000 + "]",
    "many directives": "%TAG !a! b\n" * 90_000 + "---\na: 1",
    "many documents": "---\na: 1\n" * 100_000,
    "many repeated keys": "a: 1\n" * 99_999 + "b: 1",
    "an open quote": "a: '" + "x" * 1_000_000,
    "a long number": "a: [" + "9" * 1_000_000,
    "too long": "a" * (1024 * 1024 + 1),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_refused_within_a_second_and_in_little_memory(name: str) -> None:
    started = time.process_time()
    told = problems(HOSTILE[name])
    assert time.process_time() - started < 1
    assert 1 <= len(told) <= 100
    tracemalloc.start()
    problems(HOSTILE[name][: 1024 * 1024 + 1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 120 * 1024 * 1024


def test_forty_levels_are_enough_and_no_more() -> None:
    assert values("a: " + "[" * 39 + "]" * 39)
    assert problems("a: " + "[" * 40 + "]" * 40) == ["f.yaml:1:43: found more than 40 levels, expected fewer"]
