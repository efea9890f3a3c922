"""The store: documents in SQLite, one action after the other, commits of concurrent requests grouped.

The only package that speaks SQL. Writing goes through `Store.run`: an action is a synchronous function that gets a
`Transaction` and runs whole, so it cannot await and nothing slips in between; what it returns is handed back only after
its commit. It runs on the event loop, or, if it may take long, on the database thread. Reading what the API answers
goes through `Store.reader`, a connection of its own, which sees committed data only.

The process owns the file: values are decoded once and kept, so a second process on the same file is refused.
"""

from drsim.store.database import Store, StoreError
from drsim.store.reading import Reader
from drsim.store.records import Between, DueDelivery, Equal, Facets, Query, Record, Value
from drsim.store.writing import Transaction

__all__ = [
    "Between",
    "DueDelivery",
    "Equal",
    "Facets",
    "Query",
    "Reader",
    "Record",
    "Store",
    "StoreError",
    "Transaction",
    "Value",
]
