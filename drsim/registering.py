"""A webhook that is made at a running server for a receiver, and deleted with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from drsim import remote

_FIRST_CALL, _LAST_CALL = 10.0, 3.0
"""How many seconds the server has to make the webhook, and to delete it in the end."""


class OwnWebhook:
    """The webhook that was made for this receiver, with its secrets as far as they are known."""

    def __init__(self, server: remote.Server, id: str) -> None:
        self._server = server
        self.id = id
        self.secrets: tuple[str, ...] = ()

    def read_secrets(self) -> None:
        """Looks its secrets up. Raises `Refusal` and `Unreachable`."""
        told = remote.call(
            self._server, "GET", f"/_sim/webhooks/{self.id}/secrets", wanted="secrets", seconds=_LAST_CALL
        )
        self.secrets = tuple(told["secrets"])


@asynccontextmanager
async def registered(
    server: remote.Server, making: "asyncio.Task[OwnWebhook]", say: Callable[[str], None]
) -> AsyncIterator[OwnWebhook]:
    """The webhook that is being made, deleted in the end, also when that comes before it is made; says what came of it.

    Raises `Refusal` and `Unreachable` when it cannot be made.
    """
    try:
        yield await asyncio.shield(making)
    finally:
        deleting = asyncio.create_task(_delete(server, making, say))
        while not deleting.done():
            # Whoever says stop twice has to wait as well: it takes seconds at most.
            with suppress(asyncio.CancelledError):
                await asyncio.shield(deleting)


def register(server: remote.Server, types: tuple[str, ...], address: str) -> OwnWebhook:
    """Makes a webhook and reads its secret; leaves none behind where that fails. Raises `Refusal`, `Unreachable`."""
    fields = {"types": list(types), "address": address}
    made = remote.call(server, "POST", "/webhooks", fields, wanted="id", seconds=_FIRST_CALL)
    webhook = OwnWebhook(server, made["id"])
    try:
        webhook.read_secrets()
    except (remote.Refusal, remote.Unreachable):
        _unregister(server, webhook)
        raise
    return webhook


async def _delete(server: remote.Server, making: "asyncio.Task[OwnWebhook]", say: Callable[[str], None]) -> None:
    with suppress(remote.Refusal, remote.Unreachable):
        webhook = await making
        say(await asyncio.to_thread(_unregister, server, webhook))


def _unregister(server: remote.Server, webhook: OwnWebhook) -> str:
    """Deletes the webhook; says what came of it."""
    try:
        remote.call(server, "DELETE", f"/webhooks/{webhook.id}", seconds=_LAST_CALL)
    except remote.Refusal as refusal:
        if refusal.status != 404:
            return f"webhook {webhook.id} could not be deleted: {refusal}"
        return f"webhook {webhook.id} was already gone"
    except remote.Unreachable:
        return f"the server at {server.url} is gone, webhook {webhook.id} could not be deleted"
    return f"webhook {webhook.id} deleted"
