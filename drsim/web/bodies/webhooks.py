"""Bodies of `/webhooks` and of what the control plane does with webhooks."""

from drsim.web.bodies.fields import Body, Id, Needed, Text


class WebhookSettingsBody(Body):
    """`PATCH /_sim/webhooks/{id}`: what the API has no field for."""

    expand: list[Text] | None = None


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
    grantType: Text = "password"
    audience: Text | None = None


class WebhookBody(Body):
    """`POST /webhooks`; `PATCH` takes any part of it."""

    types: list[Text] | None = None
    address: Text | None = None
    apiVersion: Text | None = None
    enabled: bool | None = None
    transportType: Text | None = None
    authentication: AuthenticationBody | None = None
    oauth: OAuthBody | None = None


class RotateBody(Body):
    """`POST /_sim/webhooks/{id}/rotate`."""

    expireOldIn: Text | None = None
    secret: Text | None = None


class RevokeBody(Body):
    """`POST /_sim/webhooks/{id}/revoke`."""

    secret: Text


class ResendBody(Body):
    """`POST /_sim/events/{id}/resend`."""

    webhookId: Id | None = None


class ResendToBody(Body):
    """`POST /_sim/webhooks/{id}/resend`: what it never got, or all since a time."""

    state: Text | None = None
    since: Text | None = None
