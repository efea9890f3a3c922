"""The gate every call passes: key, rate, faults, version; for the control plane where it comes from; then the log.

It is the outermost part of the application and answers by itself what it does not let through. Order of the checks:
platform page, U-27.
"""

import math
import re
from hashlib import blake2b
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from drsim.domain.account import VERSIONS
from drsim.domain.clock import SECOND
from drsim.domain.faults import Incoming
from drsim.domain.refusal import Refused, invalid, not_found
from drsim.engine.sandbox import Sandbox, as_uuid
from drsim.engine.simulator import Simulator
from drsim.web.answers import Answer, Headers, accepted, refused
from drsim.web.calls import Call, CallLog
from drsim.web.faulty import Linger, suffer
from drsim.web.keys import Access, Keys

NOT_AUTHORIZED = "An authorization error has occurred."

PUBLIC_KEY_MAY = re.compile(r"[A-Z]+ /(payments/.*|country-specs)|(GET|HEAD) /links/[^/]+")
_LINK = re.compile(r"/links/([^/]+)")
_PAGE = re.compile(r"/payments/redirects/[^/]+")
"""Pages for people, whose browsers send no key but the one in the address."""
_CONTENT = re.compile(rf"/links/[^/]+|/files/[^/]+/content|{_PAGE.pattern}")
"""What is answered as it is, whatever the caller would rather have."""
_LOOPBACK = re.compile(r"(localhost|127(?:\.\d{1,3}){3}|\[::1\])(:\d+)?", re.IGNORECASE)
_ADDRESS = re.compile(r"(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|[a-z0-9-]+)(:\d+)?", re.IGNORECASE)


class Gate:
    """Lets calls through to the application and takes them down in the log.

    `linger` waits so many real seconds. `local` says that the server listens on this machine only; otherwise control
    calls need `control_token`.
    """

    def __init__(
        self,
        app: ASGIApp,
        simulator: Simulator,
        keys: Keys,
        calls: CallLog,
        linger: Linger,
        *,
        local: bool = True,
        control_token: str | None = None,
    ) -> None:
        self._app = app
        self._simulator = simulator
        self._keys = keys
        self._calls = calls
        self._linger = linger
        self._local = local
        self._control_token = control_token
        self._strangers = 0
        self._buckets: dict[str, _Bucket] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Checks one call and passes it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        if scope["path"].startswith("/_sim"):
            await self._control(scope, receive, send, headers)
        else:
            with self._simulator.courtesy.call():
                await self._api(scope, receive, send, headers)

    async def _api(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        if scope["method"] == "OPTIONS":
            await Answer(b"", 204)(scope, receive, send)
            return
        access = self._access(scope, headers)
        if access is None:
            self._strangers += 1
            id = as_uuid(int.from_bytes(blake2b(b"stranger %d" % self._strangers, digest_size=16).digest()))
            more = [(b"x-dr-requestid", id.encode())]
            link = _LINK.fullmatch(scope["path"])
            answer = refused(not_found("FileLink", link[1]), more) if link else _unauthorized(more)
            await answer(scope, receive, send)
            return
        sandbox = self._simulator.known(access.sandbox) or await self._simulator.sandbox(access.sandbox)
        version = headers.get(b"digitalriver-version", b"").decode("latin-1") or sandbox.account.api_version
        scope["drsim.sandbox"] = sandbox
        scope["drsim.version"] = version
        scope["drsim.role"] = access.role
        record = _Recording(send, sandbox, scope, self._simulator.store.mark, version, access.label)
        try:
            refusal = self._refusal(scope, access, sandbox)
            app = refusal or _misfit(scope, headers, version) or self._app
            fault = None
            if refusal is None and sandbox.faults != ():
                fault = await self._simulator.strike(sandbox, Incoming(scope["method"], scope["path"]))
            if fault is not None and fault.on_call is not None:
                record.fault = fault.id
                record.dropped = fault.on_call.drop is not None
                await suffer(fault.on_call, app, scope, receive, record.send, self._linger)
            else:
                await app(scope, receive, record.send)
        finally:
            self._calls.add(sandbox, record.call(self._simulator))

    def _access(self, scope: Scope, headers: dict[bytes, bytes]) -> Access | None:
        """What the caller's key opens; a link to a file needs none and leads to the sandbox that made it."""
        link = _LINK.fullmatch(scope["path"])
        if link and (name := self._simulator.store.reader.home("file_link", link[1])):
            return Access(name, "public")
        if b"authorization" not in headers and _PAGE.fullmatch(scope["path"]):
            asked = dict(parse_qsl(scope["query_string"].decode("latin-1")))
            return self._keys.shopper(asked.get("apiKey", ""))
        return self._keys.access(headers.get(b"authorization", b"").decode("latin-1"))

    def _refusal(self, scope: Scope, access: Access, sandbox: Sandbox) -> Answer | None:
        """Why a call is turned away before anything else can become of it."""
        if access.role == "public" and not PUBLIC_KEY_MAY.fullmatch(f"{scope['method']} {scope['path']}"):
            # Files are the one thing that the vendor is known to answer a wrong key about.
            return _unauthorized() if scope["path"].startswith("/files/") else _not_permitted()
        wait = self._wait(sandbox)
        if wait is not None:
            too_many = Refused("too_many_requests", "too_many_requests", "Too many requests.")
            return refused(too_many, [(b"retry-after", b"%d" % wait)])
        return None

    def _wait(self, sandbox: Sandbox) -> int | None:
        """Whole seconds that a call has to wait for its turn; nothing when it may go on."""
        limit = sandbox.account.rate_limit
        if limit is None:
            return None
        bucket = self._buckets.get(sandbox.name)
        if bucket is None or (bucket.sandbox, bucket.count, bucket.per) != (sandbox, limit.count, limit.per):
            bucket = self._buckets[sandbox.name] = _Bucket(sandbox, limit.count, limit.per)
        return bucket.take(sandbox.clock.now(self._simulator.wall()))

    async def _control(self, scope: Scope, receive: Receive, send: Send, headers: dict[bytes, bytes]) -> None:
        refusal = self._control_refusal(scope, headers)
        if refusal is None:
            authorization = headers.get(b"authorization", b"").decode("latin-1")
            access = self._keys.access(authorization)
            if authorization and (access is None or access.role == "public"):
                refusal = _unauthorized()
            else:
                name = access.sandbox if access else self._keys.default_sandbox
                scope["drsim.sandbox"] = await self._simulator.sandbox(name)
        await (refusal or self._app)(scope, receive, send)

    def _control_refusal(self, scope: Scope, headers: dict[bytes, bytes]) -> Answer | None:
        """Why a control call is not for this caller: another site's page, a rebound name, or another machine."""
        host = headers.get(b"host", b"").decode("latin-1")
        origin = headers.get(b"origin", b"").decode("latin-1")
        names = _LOOPBACK if self._local else _ADDRESS
        if host and not names.fullmatch(host):
            return _forbidden(f"The control plane does not answer to the name '{host}'.")
        if origin and origin.partition("://")[2] != host:
            return _forbidden(f"The control plane does not answer pages of '{origin}'.")
        if self._local:
            return None
        if self._control_token is None:
            return _forbidden("The control plane is closed: start drsim with --control-token to open it.")
        if headers.get(b"drsim-control-token", b"").decode("latin-1") != self._control_token:
            return _forbidden("The control plane needs the control token in the header DRSIM-Control-Token.")
        return None


class _Recording:
    """One call being taken down while its response goes out."""

    def __init__(self, send: Send, sandbox: Sandbox, scope: Scope, mark: int, version: str, label: str | None) -> None:
        self._send = send
        self._sandbox = sandbox
        self._scope = scope
        self._mark = mark
        self._version = version
        self._label = label
        self._status = 500
        self._answer = b""
        self.fault: str | None = None
        self.dropped = False
        self.id = sandbox.new_call_id()
        self.place = sandbox.calls

    async def send(self, message: Message) -> None:
        """Passes a part of the response on, with the request id."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message["headers"].append((b"x-dr-requestid", self.id.encode()))
        else:
            self._answer += message.get("body", b"")
        await self._send(message)

    def call(self, simulator: Simulator) -> Call:
        """The finished call."""
        scope = self._scope
        client = scope.get("client")
        return Call(
            id=self.id,
            at=self._sandbox.clock.now(simulator.wall()),
            place=self.place,
            mark=self._mark,
            method=scope["method"],
            path=scope["path"],
            query=scope["query_string"].decode("latin-1"),
            status=None if self.dropped else self._status,
            headers=tuple(scope["headers"]),
            body=scope.get("drsim.body", b""),
            answer=b"" if self.dropped else scope.get("drsim.answer", self._answer),
            order_id=scope.get("drsim.order"),
            version=self._version,
            label=self._label,
            client=client[0] if client else "",
            fault=self.fault,
        )


class _Bucket:
    """A token bucket in simulated time: `count` calls at once, refilled over `per`.

    A call that finds it empty closes it until the time it was told to wait has passed.
    """

    def __init__(self, sandbox: Sandbox, count: int, per: int) -> None:
        self.sandbox = sandbox
        self.count = count
        self.per = per
        self._level = count * per
        self._at = 0
        self._closed_until = 0

    def take(self, now: int) -> int | None:
        self._level = min(self.count * self.per, self._level + max(0, now - self._at) * self.count)
        self._at = now
        if now >= self._closed_until and self._level >= self.per:
            self._level -= self.per
            return None
        if now >= self._closed_until:
            missing = self.per - self._level
            seconds = max(1, math.ceil(missing / self.count / SECOND))
            self._closed_until = now + seconds * SECOND
        return max(1, math.ceil((self._closed_until - now) / SECOND))


def _misfit(scope: Scope, headers: dict[bytes, bytes], version: str) -> Answer | None:
    """Why a call cannot be answered as it wants to be."""
    if version not in VERSIONS:
        return refused(invalid("DigitalRiver-Version", version, "version"))
    if not _CONTENT.fullmatch(scope["path"]) and not _takes_json(headers.get(b"accept", b"").decode("latin-1")):
        return refused(Refused("not_acceptable", "not_acceptable", "Only application/json can be answered."))
    return None


def _takes_json(accept: str) -> bool:
    if not accept:
        return True
    return any(each in ("*/*", "application/*", "application/json", "") for each in accepted(accept))


def _unauthorized(headers: Headers = ()) -> Answer:
    return refused(Refused("unauthorized", None, NOT_AUTHORIZED), headers)


def _not_permitted() -> Answer:
    return refused(Refused("forbidden", None, NOT_AUTHORIZED))


def _forbidden(message: str) -> Answer:
    return refused(Refused("forbidden", "forbidden", message))
