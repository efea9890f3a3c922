"""drsim: a local sandbox that behaves like the Digital River fulfillment and charge backend."""

__version__ = "0.1.0"
