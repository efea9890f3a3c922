-- One table of documents for every resource, one of facets to find them by.
-- Times are microseconds since 1970 (UTC), simulated.

CREATE TABLE sandbox (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    body BLOB NOT NULL            -- clock, seed, settings and counters, as JSON
);

CREATE TABLE document (
    number INTEGER PRIMARY KEY,   -- in order of first saving
    sandbox INTEGER NOT NULL,
    kind TEXT NOT NULL,           -- order, charge, source, fulfillment, event, webhook, delivery, rule, call
    id TEXT NOT NULL,
    at INTEGER NOT NULL,          -- when it was created: lists are newest first
    parent TEXT,                  -- the order, or for deliveries the event, that it belongs to
    lane TEXT,                    -- what wakes in its own order: '' for sales, the webhook's id for deliveries
    due_at INTEGER,               -- when it next wakes by itself
    value BLOB,                   -- the domain's value, as JSON
    public BLOB                   -- the resource as the API answers it, as JSON
);
CREATE UNIQUE INDEX document_key ON document (sandbox, kind, id);
CREATE INDEX document_list ON document (sandbox, kind, at, number);
CREATE INDEX document_parent ON document (sandbox, parent, kind, at, number) WHERE parent IS NOT NULL;
CREATE INDEX document_due ON document (sandbox, lane, due_at, number) WHERE due_at IS NOT NULL;

CREATE TABLE facet (
    number INTEGER NOT NULL,      -- the document's
    name TEXT NOT NULL,
    value NOT NULL,               -- text or integer
    sandbox INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,          -- the document's
    PRIMARY KEY (number, name, value)
) WITHOUT ROWID;
CREATE INDEX facet_list ON facet (sandbox, kind, name, value, at, number);
