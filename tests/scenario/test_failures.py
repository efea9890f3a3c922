"""What a failing scenario prints, word for word: the scenarios in `failing/`, each with its message beside it.

After a change that is meant: `python -m tests.scenario.test_failures` writes the messages anew; read the difference.
"""

import re
from pathlib import Path

import pytest

from tests.scenario.playing import drsim

FOLDER = Path(__file__).parent / "failing"
FILES = sorted(FOLDER.glob("*.yaml"))


def messages(*options: str) -> dict[str, str]:
    """The message of each scenario of the folder, by the name of the file."""
    ran = drsim("run", ".", *options, cwd=FOLDER)
    assert (ran.code, ran.err) == (1, "")
    blocks = re.split(r"\n\n(?=FAIL  )", ran.out)[1:]
    blocks[-1] = blocks[-1].rpartition("\n\n")[0]
    told = {
        match[1]: block for block in blocks if (match := re.search(r"^  ([\w-]+)\.yaml:\d+: ", block, re.MULTILINE))
    }
    assert len(told) == len(blocks)
    return told


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    return messages()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_failing_scenario_says_exactly_this(path: Path, told: dict[str, str]) -> None:
    assert told[path.stem] + "\n" == path.with_suffix(".txt").read_text()


def test_every_message_belongs_to_a_scenario(told: dict[str, str]) -> None:
    assert told.keys() == {path.stem for path in FILES}
    assert {path.stem for path in FOLDER.glob("*.txt")} == told.keys()


def test_the_messages_are_the_same_one_at_a_time_and_many_at_a_time(told: dict[str, str]) -> None:
    assert messages("--jobs", "1") == messages("--jobs", "16") == told


if __name__ == "__main__":
    for name, text in messages().items():
        (FOLDER / f"{name}.txt").write_text(text + "\n")
