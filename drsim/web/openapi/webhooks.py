"""`/webhooks`, their settings and secrets on the control plane, and the deliveries to them."""

from drsim.domain.account import VERSIONS
from drsim.domain.events import EXPANDABLE, TYPES
from drsim.domain.states import DELIVERY
from drsim.domain.transport import TRANSPORTS
from drsim.web import deliveries
from drsim.web.bodies.webhooks import (
    NewWebhookBody,
    ResendToBody,
    RevokeBody,
    RotateBody,
    WebhookBody,
    WebhookSettingsBody,
)
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    FREE,
    ID,
    TEST_MODE,
    TEXT,
    TIME,
    listed,
    one_of,
    page_of,
    record,
    ref,
)

TYPE_FILTERS = (
    Parameter("type", "Only this event type, in which `*` may stand for anything, such as `order.*`."),
    Parameter("types", "Only these event types; not together with `type`.", many=True),
)

_WEBHOOK = {
    "id": ID,
    "types": listed(one_of(sorted(TYPES))),
    "address": TEXT,
    "apiVersion": one_of(("default", "latest", *VERSIONS)),
    "enabled": FLAG,
    "transportType": one_of(TRANSPORTS),
    "authentication?": {**FREE, "description": "As it was sent."},
    "oauth?": {**FREE, "description": "As it was sent, with its grant type."},
    "liveMode": TEST_MODE,
    "createdTime": TIME,
    "updatedTime": TIME,
}
_HEADERS = {"type": "object", "additionalProperties": TEXT}
_ATTEMPT = {
    "time": {**TIME, "description": "When it was due."},
    "status?": COUNT,
    "error?": {**TEXT, "description": "Why there is no status."},
    "durationMs": {**COUNT, "description": "In real time."},
    "requestHeaders": _HEADERS,
    "requestBody?": TEXT,
    "fault?": {**ID, "description": "The fault that struck."},
    "duplicate?": FLAG,
}
_DELIVERY = {
    "id": ID,
    "eventId": ID,
    "type": TEXT,
    "webhookId": ID,
    "apiVersion": one_of(VERSIONS),
    "state": one_of(DELIVERY),
    "createdTime": TIME,
}
_MORE_OF_DELIVERY = {"expanded?": FLAG, "resent?": FLAG, "nextAttemptTime?": TIME, "fault?": ID}

_SCHEMAS = {
    "Webhook": record("A subscription: which events go where.", _WEBHOOK),
    "WebhookSettings": record(
        "A webhook with its settings, and how it fares.",
        {
            **_WEBHOOK,
            "expand": listed(one_of(EXPANDABLE)),
            "failing?": record(
                "Since when it has no success; how many events failed.", {"since": TIME, "events": COUNT}
            ),
            "disabled?": record("When and why drsim has disabled it.", {"time": TIME, "reason": TEXT}),
        },
    ),
    "Secrets": record(
        "The live signing secrets, the newest first.",
        {
            "secrets": listed(TEXT),
            "details": listed(
                record("One of them.", {"secret": TEXT, "createdTime": TIME, "expiresTime?": TIME}),
            ),
        },
    ),
    "Attempt": record("One attempt to deliver.", _ATTEMPT),
    "Delivery": record(
        "One event on its way to one webhook.", {**_DELIVERY, "attempts": listed(ref("Attempt")), **_MORE_OF_DELIVERY}
    ),
    "WholeDelivery": record(
        "A delivery with all that was sent and came back.",
        {
            **_DELIVERY,
            "attempts": listed(
                record(
                    "One attempt.",
                    {
                        **{name: schema for name, schema in _ATTEMPT.items() if name != "requestBody?"},
                        "requestBody": TEXT,
                        "responseHeaders?": _HEADERS,
                        "responseBody?": {**TEXT, "description": "The first 4 KB."},
                    },
                )
            ),
            **_MORE_OF_DELIVERY,
        },
    ),
}

_RESENT = record("How many events were sent again.", {"count": COUNT, "hasMore": FLAG})

CHAPTER = Chapter(
    "Webhooks",
    "Where events are sent.",
    _SCHEMAS,
    {
        "POST /webhooks": Operation("createWebhook", "Makes a webhook", ref("Webhook"), 201, body=NewWebhookBody),
        "GET /webhooks": Operation(
            "listWebhooks", "Lists webhooks, oldest first", listed(ref("Webhook")), parameters=TYPE_FILTERS
        ),
        "GET /webhooks/{id}": Operation("getWebhook", "Shows a webhook", ref("Webhook")),
        "PATCH /webhooks/{id}": Operation(
            "updateWebhook",
            "Changes a webhook",
            ref("Webhook"),
            body=WebhookBody,
            nulls=("authentication", "oauth"),
        ),
        "DELETE /webhooks/{id}": Operation("deleteWebhook", "Deletes a webhook", None, 204),
        "GET /_sim/webhooks/{id}": Operation(
            "getWebhookSettings", "Shows a webhook with its settings", ref("WebhookSettings")
        ),
        "PATCH /_sim/webhooks/{id}": Operation(
            "updateWebhookSettings", "Changes these settings", ref("WebhookSettings"), body=WebhookSettingsBody
        ),
        "POST /_sim/webhooks/{id}/resend": Operation(
            "resendToWebhook", "Sends lost or past events again", _RESENT, 201, body=ResendToBody, refused=(409,)
        ),
        "GET /_sim/webhooks/{id}/secrets": Operation("listSecrets", "Shows the signing secrets", ref("Secrets")),
        "POST /_sim/webhooks/{id}/rotate": Operation(
            "rotateSecret", "Puts a new signing secret in place", ref("Secrets"), body=RotateBody, refused=(409,)
        ),
        "POST /_sim/webhooks/{id}/revoke": Operation(
            "revokeSecret", "Revokes a signing secret", ref("Secrets"), body=RevokeBody, refused=(409,)
        ),
        "GET /_sim/deliveries": Operation(
            "listDeliveries",
            "Lists deliveries",
            page_of("Delivery"),
            listing=deliveries.LISTING,
            parameters=(Parameter("orderId", "Only those of events about this order."),),
        ),
        "GET /_sim/deliveries/{id}": Operation("getDelivery", "Shows a delivery with all of it", ref("WholeDelivery")),
    },
)
