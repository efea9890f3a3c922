"""`drsim verify`: what it says about signatures, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from drsim.domain.clock import MINUTE, SECOND
from drsim.domain.webhooks import signature
from drsim.verify import NotValid, judged
from tests.harness import Client, Receiver

BODY = '{"id":"1","amount":30.0,"name":"Zoë"}'.encode()
AT = 1_656_698_158
WALL = AT * SECOND + 90 * SECOND
HEADER = signature(("whk_new", "whk_old"), AT, BODY)


def reason(header: str = HEADER, token: str = "whk_old", body: bytes = BODY, tolerance: int | None = None) -> str:
    with pytest.raises(NotValid) as caught:
        judged(header, ["whk_other", token], body, tolerance, WALL)
    return str(caught.value)


def test_a_valid_signature_is_told_with_its_token_and_age() -> None:
    assert judged(HEADER, ["whk_other", "whk_old"], BODY, None, WALL) == (
        "  token      whk_old (2 of 2)",
        "  timestamp  1656698158 seconds, 2022-07-01T17:55:58Z: 1m30s old",
    )


def test_milliseconds_and_the_future_are_understood() -> None:
    header = signature(("whk_old",), AT * 1_000 + 150_000, BODY)
    told = judged(header, ["whk_old"], BODY, MINUTE, WALL)
    assert told[1] == "  timestamp  1656698308000 milliseconds, 2022-07-01T17:58:28Z: 1m ahead"


def test_a_whole_header_line_and_any_layout_are_taken() -> None:
    header = signature(("whk_old", "whk_new"), AT, BODY)
    for line in (header, f"DigitalRiver-Signature: {header}", f"digitalriver-signature:{header.replace(', ', ',')}"):
        for token in ("whk_new", "whk_old"):
            assert judged(line, [token], BODY, None, WALL)[0] == f"  token      {token} (1 of 1)"


def test_a_timestamp_beyond_the_tolerance_is_told_only_where_one_is_asked_for() -> None:
    assert judged(HEADER, ["whk_old"], BODY, 90 * SECOND, WALL)
    assert reason(tolerance=MINUTE) == "the signature is right, but its timestamp is 1m30s old, 1m at most"


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("", "its first part, '', is no timestamp"),
        (HEADER.partition(", ")[2], "is no timestamp"),
        ("t=1,v1=abc", "its first part, 't=1', is no timestamp"),
        (str(AT), "no signature follows its timestamp"),
        (f"{HEADER[:-1]}", "its signature 2, "),
        (f"{AT}, {'0' * 64}", "its signature 1, '" + "0" * 60 + "', is not the Base64 of 32 bytes"),
        (f"{AT}, ë", "its signature 1, 'ë', is not the Base64 of 32 bytes"),
    ],
)
def test_the_malformed_part_of_a_header_is_named(header: str, told: str) -> None:
    said = reason(header, "whk_none")
    assert said.startswith("malformed header: ")
    assert told in said


def test_a_malformed_signature_does_not_matter_beside_a_right_one() -> None:
    assert judged(f"{HEADER}, rubbish", ["whk_old"], BODY, None, WALL)


@pytest.mark.parametrize("body", [BODY + b"\n", b"\xef\xbb\xbf" + BODY, b" " + BODY + b"\r\n"])
def test_what_was_put_around_a_body_is_found(body: bytes) -> None:
    assert reason(body=body).startswith("the body was changed: there are blanks, line breaks or a byte order mark")


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "amount": 30.00, "name": "Zo\\u00eb"}',
        '{\n  "id": "1",\n  "amount": 30.0,\n  "name": "Zoë"\n}\n'.encode(),
    ],
)
def test_json_that_was_written_anew_is_found(body: bytes) -> None:
    said = reason(body=body)
    assert said.startswith("the body was changed: its JSON was read and written again")
    assert "the raw bytes" in said


def test_a_wrong_secret_and_a_changed_body_look_the_same_and_it_says_so() -> None:
    for said in (reason(token="whk_none"), reason(body=BODY.replace(b"30.0", b"30"))):
        assert said.startswith("wrong secret, or the body was changed.")
        assert "the raw bytes" in said


def test_a_body_that_was_cut_is_no_json() -> None:
    assert reason(body=BODY[:20]) == "wrong secret, or the body was changed: it is no JSON, so it may have been cut"


def drsim_verify(*arguments: str, body: bytes = b"", **env: str) -> tuple[int, str, str]:
    """Exit code, output and errors of the command."""
    command = [sys.executable, "-m", "drsim.cli", "verify", *arguments]
    done = subprocess.run(command, input=body, capture_output=True, timeout=30, env={**os.environ, **env})
    assert b"Traceback" not in done.stderr
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_real_delivery_is_valid_from_standard_input_and_from_a_file(
    client: Client, receiver: Receiver, tmp_path: Path
) -> None:
    webhook = client.webhook(receiver.url, "order.created")
    secret = client.secret(webhook)
    client.order(email="zoë@example.com")
    client.settle("now")
    (received,) = receiver.received
    options = ("--header", received.headers["digitalriver-signature"], "--tolerance", "5m")
    code, told, _ = drsim_verify("--token", "other", "--token", secret, *options, body=received.body)
    assert (code, told.splitlines()[:2]) == (0, ["valid", f"  token      {secret} (2 of 2)"])
    (tmp_path / "body.json").write_bytes(received.body)
    path = str(tmp_path / "body.json")
    assert drsim_verify(path, *options, DRSIM_TOKEN=f"other,{secret}")[0] == 0
    assert drsim_verify(path, DRSIM_TOKEN=secret, DRSIM_HEADER=options[1], DRSIM_TOLERANCE="5m")[0] == 0
    code, told, errors = drsim_verify("--token", "other", *options, path)
    assert (code, errors) == (1, "")
    assert told.startswith("not valid: wrong secret")
    assert drsim_verify("--token", secret, "--header", "", body=received.body)[0] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "needs --token and --header"),
        (["--header", HEADER], "needs --token and --header"),
        (["--token", "", "--header", HEADER], "needs --token and --header"),
        (["--token", "x"], "needs --token and --header"),
        (["--token", "x", "--header", "7\udcff"], "cannot be printed"),
        (["--token", "x", "--header", HEADER, "--tolerance", "long"], "'long' is not a duration"),
        (["--token", "x", "--header", HEADER, "no.json"], "no.json: No such file or directory"),
        (["--token", "x", "--header", HEADER, "/"], "/: Is a directory"),
    ],
)
def test_wrong_usage_is_told_in_words_with_exit_code_2(arguments: list[str], told: str) -> None:
    code, output, errors = drsim_verify(*arguments)
    assert (code, output) == (2, "")
    assert told in errors
