"""Customers and their tax identifiers."""

from drsim.domain.clock import format_millis, format_time
from drsim.domain.customers import Profile
from drsim.domain.tax_identifiers import TaxIdentifier
from drsim.render.parts import Json, put
from drsim.render.sources import source


def customer(profile: Profile) -> Json:
    """A customer with what is attached; lists are there only when they hold something."""
    it = profile.customer
    shown: Json = {"id": it.id, "createdTime": format_time(it.created)}
    put(shown, email=it.email, shipping=it.shipping, organization=it.organization)
    put(shown, defaultSourceId=it.default_source_id, sources=[source(each) for each in profile.sources] or None)
    put(shown, taxIdentifiers=[tax_identifier(each) for each in profile.tax_identifiers] or None)
    put(shown, taxCertificates=list(it.tax_certificates) or None)
    shown |= {"enabled": it.enabled, "requestToBeForgotten": it.request_to_be_forgotten}
    put(shown, metadata=it.metadata, locale=it.locale, type=it.type)
    return shown | {"updatedTime": format_time(it.updated), "liveMode": False}


def tax_identifier(it: TaxIdentifier) -> Json:
    """A tax identifier, by itself and as part of its customer."""
    shown: Json = {"id": it.id, "createdTime": format_time(it.created), "updatedTime": format_time(it.updated)}
    put(shown, customerId=it.customer_id)
    transitions = {state: format_millis(time) for state, time in it.transitions.items()}
    return shown | {
        "type": it.type,
        "value": it.value,
        "state": it.state,
        "stateTransitions": transitions,
        "liveMode": False,
    }
