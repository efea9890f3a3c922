"""One HTTP exchange with a receiver or a token endpoint: bounded in time and size, and only with hosts that are open.

Whatever the other side does ends here as an `Answered`, never as an exception.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import field
from functools import cached_property
from typing import TYPE_CHECKING

from drsim.domain.addresses import Address, Hosts, is_local, read_address
from drsim.domain.clock import SECOND, Span
from drsim.domain.values import value
from drsim.domain.webhooks import ANSWER_WITHIN

if TYPE_CHECKING:
    import ssl

    import aiohttp
    from aiohttp.abc import AbstractResolver

READ_AT_MOST = 16_384
"""So many bytes of an answer's body are read; the connection of a longer one is closed."""

_MOST_HEADERS, _LONGEST_HEADER = 64, 1_024
"""So many headers of an answer are kept, and so many characters of each."""


@value
class Network:
    """What deliveries may connect to, and whom they trust.

    `ca` is a file of certificates to trust beside the system's; `insecure` trusts everybody.
    """

    hosts: Hosts = Hosts()
    ca: str | None = None
    insecure: bool = False


@value
class Answered:
    """What came of one POST: a status or an error in words (both, where an answer breaks off), after so many real
    microseconds; the answer's headers (repeated ones joined by commas) and the beginning of its body."""

    status: int | None
    error: str | None
    duration: Span
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Taken:
    """What has come of an answer so far, and whether it came over a connection kept from an earlier one."""

    status: int | None = None
    kept = False

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()


class Transport:
    """Posts. The HTTP client is made on first use, since most of its cost is importing it, and so is what TLS needs.

    Connections to hosts that are opened by their names are kept apart from those that may only lead to local networks.
    """

    def __init__(self, network: Network, resolver: "AbstractResolver | None" = None) -> None:
        self.network = network
        self._resolver = resolver
        self._sessions: dict[bool, aiohttp.ClientSession] = {}

    async def post(
        self, address: str, headers: Mapping[str, str], body: bytes, *, confidential: bool = False
    ) -> Answered:
        """Posts once, within 3000 ms from name to end of answer; `confidential` leaves local networks by https only."""
        loop = asyncio.get_running_loop()
        started, taken, error = loop.time(), _Taken(), None
        try:
            to = read_address(address)
            by_name = self.network.hosts.names(to.host) and not (confidential and to.scheme == "http")
            async with asyncio.timeout(ANSWER_WITHIN / SECOND):
                await self._exchange(self._session(by_name), to, headers, body, taken)
        except TimeoutError:
            what = "no answer" if taken.status is None else "no end of the answer"
            error = f"{what} within {ANSWER_WITHIN // 1_000} ms"
        except Exception as problem:  # whatever a receiver makes the client raise is a failed attempt, nothing more
            error = self._explained(problem, confidential)
        duration = int((loop.time() - started) * SECOND)
        return Answered(taken.status, error, duration, taken.headers, bytes(taken.body[:READ_AT_MOST]))

    async def close(self) -> None:
        """Closes all connections."""
        for session in self._sessions.values():
            await session.close()

    async def _exchange(
        self, session: "aiohttp.ClientSession", to: Address, headers: Mapping[str, str], body: bytes, taken: _Taken
    ) -> None:
        import aiohttp

        try:
            await self._answer(session, to, headers, body, taken)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            # A kept connection that the receiver closed meanwhile says nothing about this event.
            if not taken.kept or taken.status is not None:
                raise
            taken.kept = False
            await self._answer(session, to, headers, body, taken)

    async def _answer(
        self, session: "aiohttp.ClientSession", to: Address, headers: Mapping[str, str], body: bytes, taken: _Taken
    ) -> None:
        from yarl import URL

        answer = await session.post(
            URL(to.url, encoded=True),
            data=body,
            headers=headers,
            allow_redirects=False,
            ssl=self._tls if to.scheme == "https" else True,
            trace_request_ctx=taken,
        )
        try:
            taken.status = answer.status
            taken.headers = _shown(answer.headers)
            while len(taken.body) < READ_AT_MOST and (part := await answer.content.readany()):
                taken.body += part
        finally:
            # Kept for the next event where the answer has ended; nothing is read from it any more where not.
            if answer.connection is not None and answer.connection.transport is not None:
                answer.connection.transport.abort()
            answer.close()

    @cached_property
    def _tls(self) -> "ssl.SSLContext":
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if self.network.insecure else ssl.create_default_context()
        if self.network.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.network.ca is not None:
            context.load_verify_locations(self.network.ca)
        context.set_alpn_protocols(["http/1.1"])
        return context

    def _session(self, by_name: bool) -> "aiohttp.ClientSession":
        if by_name not in self._sessions:
            from drsim.engine.connections import session

            permits = self.network.hosts.leads_to if by_name else is_local
            self._sessions[by_name] = session(permits, self._resolver)
        return self._sessions[by_name]

    def _explained(self, problem: Exception, confidential: bool) -> str:
        """What went wrong, without anything that the other side has said: it may repeat what it was told."""
        import aiohttp

        from drsim.engine.connections import NotOpen

        match problem:
            case aiohttp.ClientConnectorCertificateError(certificate_error=error):
                reason = getattr(error, "verify_message", "") or type(error).__name__
                return f"the certificate of {problem.host}:{problem.port} is not trusted: {reason}"
            case aiohttp.ClientConnectorSSLError(os_error=error):
                return f"no TLS with {problem.host}:{problem.port}: {getattr(error, 'reason', None) or error}"
            case aiohttp.ClientConnectorError(os_error=NotOpen()):
                return self._closed(problem.host, confidential)
            case aiohttp.ClientConnectorError():
                return f"cannot connect to {problem.host}:{problem.port}: {_reason(problem)}"
            case aiohttp.ServerDisconnectedError():
                return "the connection was closed without an answer"
            case aiohttp.ClientPayloadError():
                return "the answer breaks off or is garbled"
            case aiohttp.ClientResponseError():
                return "the answer is not HTTP, or its headers are too long"
            case OSError():
                return f"the connection broke: {problem.strerror or type(problem).__name__}"
            case ValueError():
                return "the address is not one that anything can be sent to"
        return type(problem).__name__

    def _closed(self, host: str, confidential: bool) -> str:
        if not self.network.hosts.names(host):
            return f"{host} is not on a local network: start drsim with --webhook-host {host} to send there"
        if confidential:
            return f"{host} is not on a local network: with OAUTH its address has to be https"
        return f"{host} is at an address that webhooks never go to"


def check_certificates(path: str) -> None:
    """Refuses a file that holds no certificates. Raises `ValueError`."""
    import ssl

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError as error:
        raise ValueError(f"cannot read certificates from {path}: {error.strerror or error}") from error


def _shown(headers: "Mapping[str, str]") -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, text in list(headers.items())[:_MOST_HEADERS]:
        readable = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        name = str(name)  # no longer the client's own kind of text, which cannot be written as JSON
        shown[name] = (f"{shown[name]}, {readable}" if name in shown else readable)[:_LONGEST_HEADER]
    return shown


def _reason(error: "aiohttp.ClientConnectorError") -> str:
    """Why there is no connection, in the system's words; a name that is not known has no number of these."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error.os_error)
