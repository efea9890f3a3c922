"""The rest of the control plane: time, worlds, rules, faults, logs."""

from drsim.domain.account import VERSIONS
from drsim.domain.events import EMITTED
from drsim.format.models import FaultModel, OrderModel, RuleModel, World
from drsim.web.bodies.control import AdvanceBody, SettleBody, TriggerBody
from drsim.web.openapi.operation import Chapter, Operation, Parameter
from drsim.web.openapi.parts import (
    COUNT,
    FLAG,
    FREE,
    ID,
    MONEY,
    TEXT,
    TIME,
    data_of,
    either,
    listed,
    one_of,
    record,
    ref,
)

_CLOCK = {
    "now": TIME,
    "mode": {**TEXT, "description": "real, manual, or xN: N times as fast."},
    "nextDue": either(TIME, {"type": "null"}),
}
_HEADERS = {"type": "object", "additionalProperties": TEXT}
_ENTRIES = {
    "call": {
        "method": TEXT,
        "path": TEXT,
        "status?": COUNT,
        "dropped?": FLAG,
        "keyLabel?": TEXT,
        "fault?": ID,
        "id": ID,
    },
    "order": {"state": TEXT},
    "capture": {
        "id": ID,
        "chargeId": ID,
        "fulfillmentId": either(ID, {"type": "null"}),
        "amount": MONEY,
        "state": TEXT,
    },
    "cancel": {"id": ID, "chargeId": ID, "fulfillmentId": either(ID, {"type": "null"}), "amount": MONEY, "state": TEXT},
    "refund": {"id": ID, "chargeId": ID, "refundId": ID, "amount": MONEY, "state": TEXT},
    "event": {"id": ID, "type": TEXT, "objectId": ID},
    "delivery": {
        "id": ID,
        "eventId": ID,
        "type": TEXT,
        "webhookId": ID,
        "attempt": COUNT,
        "status?": COUNT,
        "error?": TEXT,
        "fault?": ID,
        "duplicate?": FLAG,
    },
    "webhook": {"id": ID, "state": TEXT, "reason": TEXT},
}
_FIRED = (
    record("An event happened.", {"time": TIME, "event": TEXT, "id": ID}),
    record("A delivery was attempted.", {"time": TIME, "delivery": ID, "type": TEXT, "outcome": TEXT}),
    record("drsim disabled a webhook.", {"time": TIME, "webhook": ID, "disabled": TEXT}),
)

_SCHEMAS = {
    "Json": {"description": "Any value."},
    "Clock": record("The clock of a sandbox.", _CLOCK),
    "MovedClock": record("The clock after it was moved.", {**_CLOCK, "fired": listed(either(*_FIRED))}),
    "Call": record(
        "A call of the API, as it came and as it was answered.",
        {
            "id": ID,
            "time": TIME,
            "method": TEXT,
            "path": TEXT,
            "query": TEXT,
            "status?": COUNT,
            "dropped?": FLAG,
            "apiVersion": {**TEXT, "examples": [VERSIONS[-1]]},
            "ipAddress": TEXT,
            "requestHeaders": _HEADERS,
            "keyLabel?": TEXT,
            "fault?": ID,
            "orderId?": TEXT,
            "requestBody?": {"description": "As JSON, or else as text."},
            "responseBody?": {"description": "As JSON, or else as text."},
        },
    ),
    "Happening": either(
        *(
            record(f"An entry of a timeline: {kind}.", {"time": TIME, "kind": one_of((kind,)), **fields})
            for kind, fields in _ENTRIES.items()
        )
    ),
    "Rule": record(
        "A behavior rule; `times` is how often it is left.", {"id": ID, "when": FREE, "then": FREE, "times?": COUNT}
    ),
    "Fault": record(
        "A fault; `times` is how often it is left.",
        {"id": ID, "when": FREE, "then": FREE, "times?": COUNT, "every?": COUNT},
    ),
    "Triggered": record(
        "An event that was brought about.",
        {"type": one_of(sorted(EMITTED)), "eventId": ID, "orderId?": ID, "event": ref("Event"), "did": listed(TEXT)},
    ),
}

CHAPTER = Chapter(
    "Control",
    "Time, orders, rules, faults and logs of a sandbox. The vendor has nothing like it.",
    _SCHEMAS,
    {
        "GET /_sim/clock": Operation("getClock", "Shows the clock", ref("Clock")),
        "POST /_sim/clock/advance": Operation(
            "advanceClock", "Moves time", ref("MovedClock"), body=AdvanceBody, refused=(409,)
        ),
        "POST /_sim/settle": Operation(
            "settle", "Lets everything happen that is due", ref("Clock"), body=SettleBody, refused=(409,)
        ),
        "POST /_sim/reset": Operation("reset", "Empties the sandbox", ref("Clock")),
        "POST /_sim/orders": Operation(
            "makeOrder", "Makes an order", ref("Order"), 201, body=OrderModel, refused=(404, 409)
        ),
        "POST /_sim/scenario": Operation(
            "loadWorld",
            "Makes a whole world",
            {**FREE, "description": "The aliases, with what they stand for."},
            body=World,
            refused=(404, 409),
        ),
        "GET /_sim/trigger": Operation(
            "listTriggers",
            "Lists what can be triggered",
            data_of(record("How an event comes about.", {"type": one_of(sorted(EMITTED)), "story": TEXT})),
        ),
        "POST /_sim/trigger": Operation(
            "trigger", "Makes an event happen", ref("Triggered"), body=TriggerBody, refused=(404, 409)
        ),
        "GET /_sim/behavior": Operation("listRules", "Lists the behavior rules in force", data_of(ref("Rule"))),
        "POST /_sim/behavior": Operation(
            "createRule", "Puts a behavior rule in force", ref("Rule"), 201, body=RuleModel
        ),
        "DELETE /_sim/behavior/{id}": Operation("deleteRule", "Deletes a behavior rule", None, 204),
        "GET /_sim/faults": Operation("listFaults", "Lists the faults in force", data_of(ref("Fault"))),
        "POST /_sim/faults": Operation("createFault", "Puts a fault in force", ref("Fault"), 201, body=FaultModel),
        "DELETE /_sim/faults/{id}": Operation("deleteFault", "Deletes a fault", None, 204),
        "GET /_sim/requests": Operation(
            "listCalls",
            "Lists the calls of the API, newest first",
            record("Calls.", {"count": COUNT, "hasMore": FLAG, "data": listed(ref("Call"))}),
            parameters=(
                Parameter("limit", "How many at most.", {"type": "integer", "minimum": 1, "maximum": 100}),
                Parameter("after", "With `wait`: how many calls are known.", COUNT),
                Parameter("wait", "How long to wait in real time until there are more, such as `10s`."),
            ),
        ),
        "GET /_sim/timeline": Operation("getTimeline", "Shows what happened in the sandbox", data_of(ref("Happening"))),
        "GET /_sim/orders/{id}/timeline": Operation(
            "getOrderTimeline", "Shows what happened to an order", data_of(ref("Happening"))
        ),
        "GET /_sim/openapi.json": Operation(
            "getDescription",
            "Describes all of this",
            FREE,
            parameters=(Parameter("version", "As of this API version.", one_of(VERSIONS)),),
        ),
        "GET /_sim/health": Operation(
            "getHealth",
            "Says that the server is there",
            record("Its health.", {"status": one_of(("ok",)), "version": TEXT}),
        ),
    },
)
