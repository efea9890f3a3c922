"""Reports of a run, each a pure function of its results: text for people, JUnit XML, JSON."""

import re
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

import orjson

from drsim.scenario.client import LABEL
from drsim.scenario.results import Entry, Failure, ScenarioResult, SuiteResult

_MOST_ENTRIES = 60
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def line(result: ScenarioResult) -> str:
    """One scenario on one line."""
    mark = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[result.verdict]
    return f"{mark}  {result.place.file}: {result.name} ({result.seconds:.2f} s)"


def explained(result: ScenarioResult) -> str:
    """Everything that somebody needs to see why a scenario failed."""
    failure = result.failure
    assert failure is not None
    lines = [f"FAIL  {result.name}", "", *failure_lines(failure)]
    if failure.timeline:
        lines += ["", "  Timeline:", *timeline_lines(failure.timeline, "    ")]
    return "\n".join(lines)


def failure_lines(failure: Failure) -> list[str]:
    """Where it failed, the step as written, what was expected and what was seen."""
    where = "the world could not be made" if failure.step is None else f"step {failure.step} of {failure.steps}"
    lines = [f"  {failure.place}: {where}"]
    lines += [f"  {number:>5} | {text}" for number, text in failure.source]
    return [*lines, "", f"  {failure.summary}", *(f"  {each}" for each in failure.details)]


def timeline_lines(timeline: Iterable[Entry], indent: str = "") -> list[str]:
    """A timeline, an entry on each line; only the last ones of a long one."""
    entries = list(timeline)
    lines = [f"{indent}{_described(entry)}" for entry in entries[-_MOST_ENTRIES:]]
    left_out = len(entries) - len(lines)
    return [f"{indent}… {left_out} earlier entries", *lines] if left_out else lines


def summary(suite: SuiteResult) -> str:
    """The whole run on one line."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in suite.counts.items() if count) or "nothing to do"
    return f"{'interrupted: ' if suite.interrupted else ''}{counts} in {suite.seconds:.2f} s"


def junit(suite: SuiteResult) -> bytes:
    """JUnit XML: one test case for each scenario, named by its file, with its timeline as output."""
    counts = {"tests": len(suite.scenarios), "failures": suite.counts["failed"], "skipped": suite.counts["skipped"]}
    totals = {name: str(count) for name, count in counts.items()} | {"errors": "0", "time": f"{suite.seconds:.3f}"}
    root = ElementTree.Element("testsuites", {"name": "drsim", **totals})
    cases = ElementTree.SubElement(root, "testsuite", {"name": "drsim", **totals})
    for result in suite.scenarios:
        case = ElementTree.SubElement(
            cases,
            "testcase",
            classname=".".join(PurePath(result.place.file).with_suffix("").parts).lstrip("./"),
            name=_xml(result.name),
            file=_xml(result.place.file),
            line=str(result.place.line),
            time=f"{result.seconds:.3f}",
        )
        if result.failure:
            failed = ElementTree.SubElement(case, "failure", message=_xml(result.failure.summary), type="failed")
            failed.text = _xml("\n".join(failure_lines(result.failure)))
        if result.verdict == "skipped":
            ElementTree.SubElement(case, "skipped", message="the run ended before")
        if result.timeline:
            ElementTree.SubElement(case, "system-out").text = _xml("\n".join(timeline_lines(result.timeline)))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'.encode()


def as_json(suite: SuiteResult) -> bytes:
    """Everything that came of the run, as JSON."""
    shown: dict[str, Any] = {"passed": suite.passed, "counts": suite.counts, "seconds": suite.seconds}
    return orjson.dumps(
        {**shown, "scenarios": [asdict(result) for result in suite.scenarios]}, option=orjson.OPT_INDENT_2
    )


def _described(entry: Entry) -> str:
    start = f"{entry['time']:<27} {entry['kind']:<9}"
    if entry["kind"] == "call":
        who = "" if entry.get("keyLabel") == LABEL else " (by the system under test)"
        return f"{start} {entry['method']} {entry['path']} -> {entry.get('status', 'dropped')}{who}"
    if entry["kind"] == "delivery":
        again = f" (attempt {entry['attempt']})" if entry["attempt"] > 1 else ""
        return f"{start} {entry['type']} -> {entry.get('status', entry.get('error'))}{again}"
    return f"{start} {entry['type']} {entry['objectId']}"


def _xml(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return _NOT_XML.sub("\ufffd", text)
