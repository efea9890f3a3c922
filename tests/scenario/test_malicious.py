"""`drsim check` refuses hostile files within a second and in little memory, and says where and why."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drsim.cli import main

LINE = re.compile(r"[^:\n]+:\d+:\d+: found .+, expected .+")

MEASURED = """
import resource, subprocess, sys
done = subprocess.run([sys.executable, "-m", "drsim.cli", "check", *sys.argv[1:]])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("used", used.ru_utime + used.ru_stime, used.ru_maxrss)
sys.exit(done.returncode)
"""
"""Runs the command from a small process: what a large one forks off counts as large."""


def refused(*paths: Path | str) -> list[str]:
    """What the command says of these paths, after checking that it refuses them quickly, in little memory and words."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, *map(str, paths)], capture_output=True, text=True, timeout=20
    )
    seconds, peak = done.stdout.split()[-2:]
    # Processor time, which says the same on a machine that has other things to do. Starting takes most of it.
    assert float(seconds) < 3
    assert int(peak) // (1024 if sys.platform == "linux" else 1024 * 1024) < 150
    assert done.returncode == 2
    told = done.stderr.splitlines()
    assert 1 <= len(told) <= 100
    assert all(LINE.fullmatch(line) for line in told), done.stderr[:500]
    assert max(map(len, told)) < 600
    return told


def steps(pattern: str) -> str:
    return f"scenario: x\nsteps: [{{event: order.created, match: {{a: {pattern}}}}}]"


ORDER = '{"currency": "USD", "items": [{"id": 1, "amount": 1, "quantity": 1}], "passedOver": [%s1]}'

CHEAP: dict[str, tuple[str | bytes, str]] = {
    "alias-of-itself": ("a: &a [*a]", "the anchor '&a'"),
    "anchor": ("scenario: &x y", "the anchor '&x'"),
    "backtracking-too-long": (steps("{$regex: '" + "(a|b)*" * 1_000 + "'}"), "at most 1000 characters"),
    "block-levels": ("- " * 100_000 + "x", "more than 40 levels"),
    "broken-regex": (steps("{$regex: '(a'}"), "is not a regular expression"),
    "control-character": ("scenario: a\0b", "a control character"),
    "deep-regex": (steps("{$regex: '" + "(" * 500 + ")" * 500 + "'}"), "is not a regular expression"),
    "digits": ("scenario: x\nseed: " + "9" * 100_000, "expected a whole number"),
    "endless-repetition": (steps("{$regex: 'a{99999999999999999999}'}"), "is not a regular expression"),
    "exponent": ("scenario: x\nseed: 1e999999999", "expected a whole number"),
    "flow-levels": ("a: " + "[" * 100_000, "more than 40 levels"),
    "from-a-device": ("scenario: x\ngiven: {orders: [{from: /dev/zero}]}", "not a regular file"),
    "from-a-folder": ("scenario: x\ngiven: {orders: [{from: ''}]}", "a directory"),
    "from-a-pipe": ("scenario: x\ngiven: {orders: [{from: pipe}]}", "not a regular file"),
    "from-itself": ("scenario: x\ngiven: {orders: [{from: from-itself.yaml}]}", "no 'items'"),
    "from-no-name": ('scenario: x\ngiven: {orders: [{from: "a\\0b"}]}', "no name of a file"),
    "from-nowhere": ("scenario: x\ngiven: {orders: [{from: ../../nothing}]}", "no such file"),
    "half-a-text": (b"scenario: x\ndescription: \xc3", "bytes that are not UTF-8"),
    "infinity": ("scenario: x\ngiven: {orders: [{metadata: {a: .inf}, items: [{price: .nan}]}]}", "an amount"),
    "json-levels": ('{"a":' * 100_000 + "1" + "}" * 100_000, "more than 40 levels"),
    "long-key": (f'scenario: x\n? "{"x" * 900_000}"\n: 1', "the unknown key"),
    "long-text": ("scenario: " + "x" * 1_000_000, "a text of 1000000 characters"),
    "merge": ("scenario: x\n<<: {a: 1}", "the merge key"),
    "other-bytes": (b"scenario: a\ndescription: \xff\xfe", "bytes that are not UTF-8"),
    "repeated-key": ("scenario: x\nscenario: y", "the key 'scenario' again"),
    "second-document": ("scenario: x\n---\nscenario: y", "a second document"),
    "tag": ("scenario: !!python/object/apply:os.system ['echo']", "the tag"),
    "utf-16": ("scenario: x".encode("utf-16"), "bytes that are not UTF-8"),
    "utf-16-without-a-mark": ("scenario: x".encode("utf-16-le"), "a control character"),
}
"""Each with a word of what is said of it; all of them are checked in one go."""


def test_hostile_files_are_refused_in_these_words(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, (content, _) in CHEAP.items():
        (tmp_path / f"{name}.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    told = refused(tmp_path)
    for name, (_, word) in CHEAP.items():
        assert any(f"{name}.yaml:" in line and word.lower() in line.lower() for line in told), (name, told)


BOMB = "".join(
    f"{k}: &{k} [{', '.join(f'*{j}' for _ in range(9))}]\n" for j, k in zip("abcdefgh", "bcdefghi", strict=True)
)
MANY = 19_990
"""As many values as a file may hold, or nearly."""

HEAVY: dict[str, tuple[str, str]] = {
    "expanding aliases": (f"a: &a [x]\n{BOMB}", "the anchor '&a'"),
    "a million keys": ("".join(f"{key:x}: 1\n" for key in range(1_000_000)), "more than 4194304 bytes"),
    "as many keys as fit": ("".join(f"k{key:x}: 1\n" for key in range(110_000)), "more than 20000 values"),
    "a million items": ("a: [" + "1," * 524_000 + "]", "more than 20000 values"),
    "wrong keys": ("scenario: x\n" + "".join(f"tag{key}: 1\n" for key in range(MANY)), "the unknown key"),
    "wrong texts": ("scenario: x\ntags: [" + "{}," * MANY + "]", "found a mapping, expected text"),
    "wrong steps": ("scenario: x\nsteps: [" + "{}," * MANY + "]", "a step without a kind"),
    "wrong orders": ("scenario: x\ngiven: {orders: [" + "{}," * MANY + "]}", "no 'items'"),
    "wrong types": ("scenario: x\ngiven: {webhooks: [{types: [" + "ordr," * MANY + "]}]}", "'ordr'"),
    "unknown names": ("scenario: x\ndescription: '" + "${a}" * 250_000 + "'", "the unknown name '${a}'"),
    "as many aliases": (
        "scenario: x\ngiven:\n orders:\n" + "".join(f" - {{as: alias{n}, id: '${{alia{n}}}'}}\n" for n in range(6_600)),
        "the unknown name '${alia0}'",
    ),
    "as many saved names": (
        "scenario: x\nsteps:\n" + "".join(f" - {{call: 'GET /${{s0.x}}', save: {{s{n}: .}}}}\n" for n in range(4_900)),
        "something that is made before it",
    ),
    "as many webhooks": (
        "scenario: x\ngiven:\n webhooks:\n"
        + "".join(f" - {{as: hook{n}}}\n" for n in range(4_000))
        + "steps:\n"
        + "".join(f" - {{delivery: order.*, to: hok{n}}}\n" for n in range(3_900)),
        "expected a webhook, given or saved before",
    ),
    "large copied orders": (
        "scenario: x\ngiven: {orders: [" + "{from: large.json}," * 5_000 + "]}",
        "more than 20000 values in all",
    ),
    "broken copied orders": ("scenario: x\ngiven: {orders: [" + "{from: list.json}," * 9_000 + "]}", "found a list"),
    "empty copied orders": (
        "scenario: x\ngiven: {orders: [" + "{from: comments.json}," * 9_000 + "]}",
        "more than 1048576 characters in all",
    ),
}


@pytest.mark.parametrize("name", HEAVY)
def test_a_file_that_costs_as_much_as_it_can_is_refused_quickly(name: str, tmp_path: Path) -> None:
    (tmp_path / "large.json").write_text(ORDER % ("1," * 9_000))
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "comments.json").write_text("# x\n" * 100_000)
    content, word = HEAVY[name]
    (tmp_path / "heavy.yaml").write_text(content)
    told = refused(tmp_path / "heavy.yaml")
    assert any(word in line for line in told), told[:3]


def test_what_is_no_regular_file_or_too_large_or_cannot_be_found_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "loop.yaml").symlink_to(tmp_path / "loop.yaml")
    with (tmp_path / "sparse.yaml").open("wb") as file:
        file.truncate(10 * 2**30)
    paths = [tmp_path / f"{name}.yaml" for name in ("loop", "nowhere", "pipe", "sparse")]
    told = refused(*paths, "/dev/zero")
    said = {Path(line.split(":")[0]).stem: line for line in told}
    assert "not a regular file" in said["pipe"]
    assert "not a regular file" in said["zero"]
    assert "Too many levels of symbolic links" in said["loop"]
    assert "No such file" in said["nowhere"]
    assert "more than 4194304 bytes" in said["sparse"]


def test_a_folder_that_leads_into_itself_is_searched_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "again").symlink_to(tmp_path)
    (tmp_path / "one.yaml").write_text("scenario: x")
    assert main(["check", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 scenarios fit\n"


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_folder_without_a_scenario_is_wrong_usage(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "notes.txt").write_text("x")
    assert main([command, str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("no scenario ")
    assert str(tmp_path) in said


def test_a_path_that_is_too_long_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "x" * 5_000]) == 2
    assert "File name too long" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_or_file_that_may_not_be_read_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    closed, folder = tmp_path / "closed.yaml", tmp_path / "folder"
    closed.write_text("scenario: x")
    closed.chmod(0)
    folder.mkdir(0)
    for path in (closed, folder, tmp_path):
        assert main(["check", str(path)]) == 2
        assert "Permission denied" in capsys.readouterr().err
    folder.chmod(0o700)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_bytes(b"\xef\xbb\xbfscenario: x")
    assert main(["check", str(tmp_path)]) == 0


@pytest.mark.parametrize("number", [".inf", "-.inf", ".nan", "1e999", "-1e999", "9" * 40])
def test_odd_numbers_in_what_is_passed_over_of_a_copied_order_do_no_harm(number: str, tmp_path: Path) -> None:
    (tmp_path / "order.json").write_text(ORDER % f"{number},")
    (tmp_path / "one.yaml").write_text("scenario: x\ngiven: {orders: [{from: order.json}]}")
    assert main(["check", str(tmp_path)]) == 0
    assert main(["run", str(tmp_path / "one.yaml")]) == 0
