-- Numbers of levels, categories and kinds are the model's: window::Bucket, Category::index, kinds as in entities.rs.
-- A body is the model's own serde text of the thing; columns beside it are what is looked for.

-- What the store knows of itself: 'id' is part of every cursor; the others are the largest ids that were handed out.
CREATE TABLE store (
    name  TEXT NOT NULL PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE accounts (
    account_id INTEGER NOT NULL PRIMARY KEY,
    -- In lower case; no two accounts have the same.
    subdomain  TEXT    NOT NULL,
    -- Another one whenever the layout is written, and never the same again.
    version    INTEGER NOT NULL,
    layout     TEXT    NOT NULL
) STRICT;
CREATE INDEX accounts_subdomain ON accounts (subdomain);

-- What changes with every change of an account.
CREATE TABLE marks (
    account_id INTEGER NOT NULL PRIMARY KEY,
    revision   INTEGER NOT NULL,
    sequence   INTEGER NOT NULL
) STRICT;

-- What waits, and nothing else.
CREATE TABLE items (
    arrival     INTEGER PRIMARY KEY,
    account_id  INTEGER NOT NULL,
    uid         TEXT    NOT NULL,
    pipeline_id INTEGER NOT NULL,
    category    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    identity    BLOB,
    slot        TEXT    NOT NULL,
    body        TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX items_uid ON items (account_id, uid);
CREATE UNIQUE INDEX items_identity ON items (account_id, identity, slot) WHERE identity IS NOT NULL;
CREATE INDEX items_created ON items (account_id, created_at, uid);
CREATE INDEX items_updated ON items (account_id, updated_at, uid);
CREATE INDEX items_category ON items (account_id, category, created_at, uid);
CREATE INDEX items_pipeline ON items (account_id, pipeline_id, created_at, uid, category);

-- Leads, contacts, companies, customers.
CREATE TABLE entities (
    account_id INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    id         INTEGER NOT NULL,
    is_listed  INTEGER NOT NULL,
    -- When it was put in the bin.
    binned_at  INTEGER,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account_id, kind, id)
) STRICT;
CREATE INDEX entities_listed ON entities (account_id, kind, id) WHERE is_listed;
CREATE INDEX entities_binned ON entities (account_id, binned_at) WHERE binned_at IS NOT NULL;

CREATE TABLE tags (
    account_id INTEGER NOT NULL,
    tag_id     INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    PRIMARY KEY (account_id, tag_id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tags_name ON tags (account_id, name);

CREATE TABLE notes (
    account_id INTEGER NOT NULL,
    kind       INTEGER NOT NULL,
    entity_id  INTEGER NOT NULL,
    note_id    INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account_id, kind, entity_id, note_id)
) STRICT;

CREATE TABLE events (
    account_id  INTEGER NOT NULL,
    sequence    INTEGER NOT NULL,
    uid         TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    body        TEXT    NOT NULL,
    PRIMARY KEY (account_id, sequence)
) STRICT;
CREATE INDEX events_uid ON events (account_id, uid, sequence);

-- Tallies of events by the bucket of their moment; pipeline 0 is all. The seconds are in two parts: model::Tally.
CREATE TABLE tallies (
    account_id  INTEGER NOT NULL,
    pipeline_id INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    sip         INTEGER NOT NULL,
    forms       INTEGER NOT NULL,
    chats       INTEGER NOT NULL,
    mail        INTEGER NOT NULL,
    accepted    INTEGER NOT NULL,
    declined    INTEGER NOT NULL,
    linked      INTEGER NOT NULL,
    sort_high   INTEGER NOT NULL,
    sort_low    INTEGER NOT NULL,
    PRIMARY KEY (account_id, pipeline_id, level, bucket)
) STRICT, WITHOUT ROWID;

-- How many wait, by the bucket of the moment by which lists order them: 0 created_at, 1 updated_at.
CREATE TABLE guides (
    account_id  INTEGER NOT NULL,
    order_key   INTEGER NOT NULL,
    pipeline_id INTEGER NOT NULL,
    level       INTEGER NOT NULL,
    bucket      INTEGER NOT NULL,
    sip         INTEGER NOT NULL,
    forms       INTEGER NOT NULL,
    chats       INTEGER NOT NULL,
    mail        INTEGER NOT NULL,
    PRIMARY KEY (account_id, order_key, pipeline_id, level, bucket)
) STRICT, WITHOUT ROWID;

-- Tokens, keys and sessions by which users come in.
CREATE TABLE tokens (
    account_id INTEGER NOT NULL,
    digest     BLOB    NOT NULL,
    user_id    INTEGER NOT NULL,
    expires_at INTEGER,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX tokens_digest ON tokens (digest);
CREATE INDEX tokens_end ON tokens (account_id, expires_at) WHERE expires_at IS NOT NULL;

-- What users allowed integrations; each holds a token of single use.
CREATE TABLE grants (
    account_id INTEGER NOT NULL,
    grant_id   TEXT    NOT NULL,
    expires_at INTEGER NOT NULL,
    body       TEXT    NOT NULL,
    PRIMARY KEY (account_id, grant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX grants_id ON grants (grant_id);
CREATE INDEX grants_end ON grants (account_id, expires_at);
