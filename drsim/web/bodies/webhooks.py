"""Bodies of `/webhooks` and of what the control plane does with webhooks."""

from typing import Annotated

from drsim.domain.account import VERSIONS
from drsim.domain.events import EXPANDABLE, TYPES
from drsim.domain.transport import GRANTS, TRANSPORTS
from drsim.web.bodies.fields import Body, Id, Instant, Needed, Span, Text, said_to_be

EventType = Annotated[Text, said_to_be(sorted(TYPES))]
Expandable = Annotated[Text, said_to_be(EXPANDABLE)]


class WebhookSettingsBody(Body):
    """`PATCH /_sim/webhooks/{id}`: what the API has no field for."""

    expand: list[Expandable] | None = None


class AuthenticationBody(Body):
    """Basic authentication of a webhook, in either spelling of the name."""

    username: Text | None = None
    userName: Text | None = None
    password: Text


class OAuthBody(Body):
    """How a webhook asks for its access token."""

    tokenEndPoint: Needed
    clientID: Needed
    clientSecret: Needed
    userName: Text | None = None
    password: Text | None = None
    grantType: Annotated[Text, said_to_be(GRANTS)] = "password"
    audience: Text | None = None


class WebhookBody(Body):
    """`PATCH /webhooks/{id}`: any part of it."""

    types: list[EventType] | None = None
    address: Text | None = None
    apiVersion: Annotated[Text, said_to_be(("default", "latest", *VERSIONS))] | None = None
    enabled: bool | None = None
    transportType: Annotated[Text, said_to_be(TRANSPORTS)] | None = None
    authentication: AuthenticationBody | None = None
    oauth: OAuthBody | None = None


class NewWebhookBody(WebhookBody):
    """`POST /webhooks`."""

    types: list[EventType]
    address: Text


class RotateBody(Body):
    """`POST /_sim/webhooks/{id}/rotate`."""

    expireOldIn: Span | None = None
    secret: Text | None = None


class RevokeBody(Body):
    """`POST /_sim/webhooks/{id}/revoke`."""

    secret: Text


class ResendBody(Body):
    """`POST /_sim/events/{id}/resend`."""

    webhookId: Id | None = None


class ResendToBody(Body):
    """`POST /_sim/webhooks/{id}/resend`: what it never got, or all since a time."""

    state: Annotated[Text, said_to_be(("failed",))] | None = None
    since: Instant | None = None
