-- Every key begins with the account, so that the tables can be partitioned and sharded by it. What belongs to no
-- account has 0 in its place. Texts are compared byte by byte.

CREATE TABLE store (
    account_id bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    value      text NOT NULL,
    PRIMARY KEY (account_id, name)
);

-- The next free numbers, which all accounts share.
CREATE TABLE ids (
    account_id bigint NOT NULL PRIMARY KEY,
    leads      bigint NOT NULL,
    parties    bigint NOT NULL,
    notes      bigint NOT NULL,
    tags       bigint NOT NULL
) WITH (fillfactor = 50);
INSERT INTO ids (account_id, leads, parties, notes, tags) VALUES (0, 1, 1, 1, 1);

-- The version is another number after every write, so that a layout that was read is true while it stands.
CREATE TABLE accounts (
    account_id bigint NOT NULL PRIMARY KEY,
    -- In lower case. That no two accounts have the same is seen to by whoever writes: a unique index could not have
    -- the account in it.
    subdomain  text COLLATE "C" NOT NULL,
    version    bigint NOT NULL,
    layout     text NOT NULL
);
CREATE INDEX accounts_subdomain ON accounts (subdomain);

-- Whoever writes events takes this row and keeps it until the commit: so the order of sequences is the order of commits.
CREATE TABLE marks (
    account_id bigint NOT NULL PRIMARY KEY,
    sequence   bigint NOT NULL,
    revision   bigint NOT NULL
) WITH (fillfactor = 50);

-- What waits, and nothing else.
CREATE TABLE items (
    account_id  bigint NOT NULL,
    uid         text COLLATE "C" NOT NULL,
    pipeline_id bigint NOT NULL,
    category    smallint NOT NULL,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL,
    version     bigint NOT NULL,
    identity    bytea,
    slot        text COLLATE "C" NOT NULL,
    arrival     bigserial NOT NULL,
    body        text NOT NULL,
    PRIMARY KEY (account_id, uid)
);
CREATE UNIQUE INDEX items_identity ON items (account_id, identity, slot) WHERE identity IS NOT NULL;
CREATE INDEX items_created ON items (account_id, created_at, uid);
CREATE INDEX items_category ON items (account_id, category, created_at, uid);
CREATE INDEX items_pipeline ON items (account_id, pipeline_id, created_at, uid, category);
CREATE INDEX items_updated ON items (account_id, updated_at, uid);

CREATE TABLE entities (
    account_id bigint NOT NULL,
    kind       smallint NOT NULL,
    id         bigint NOT NULL,
    is_listed  boolean NOT NULL,
    -- Since when it lies in the bin.
    binned_at  bigint,
    body       text NOT NULL,
    PRIMARY KEY (account_id, kind, id)
);
CREATE INDEX entities_binned ON entities (account_id, binned_at) WHERE binned_at IS NOT NULL;
CREATE INDEX entities_listed ON entities (account_id, kind, id) WHERE is_listed;

CREATE TABLE tags (
    account_id bigint NOT NULL,
    tag_id     bigint NOT NULL,
    name       text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, tag_id)
);
CREATE UNIQUE INDEX tags_name ON tags (account_id, name);

CREATE TABLE notes (
    account_id bigint NOT NULL,
    kind       smallint NOT NULL,
    entity_id  bigint NOT NULL,
    note_id    bigint NOT NULL,
    body       text NOT NULL,
    PRIMARY KEY (account_id, kind, entity_id, note_id)
);

-- `commit_id` is a number of the transaction that wrote the event: what tells later whether it was committed.
CREATE TABLE events (
    account_id  bigint NOT NULL,
    sequence    bigint NOT NULL,
    uid         text COLLATE "C" NOT NULL,
    recorded_at bigint NOT NULL,
    commit_id   bigint NOT NULL,
    body        text NOT NULL,
    PRIMARY KEY (account_id, sequence)
);
CREATE INDEX events_uid ON events (account_id, uid, sequence);
CREATE INDEX events_recorded ON events (account_id, recorded_at);

-- Sums of events' tallies over buckets of time; pipeline 0 is all of them.
CREATE TABLE tallies (
    account_id  bigint NOT NULL,
    pipeline_id bigint NOT NULL,
    level       smallint NOT NULL,
    bucket      bigint NOT NULL,
    sip         bigint NOT NULL,
    forms       bigint NOT NULL,
    chats       bigint NOT NULL,
    mail        bigint NOT NULL,
    accepted    bigint NOT NULL,
    declined    bigint NOT NULL,
    linked      bigint NOT NULL,
    sort_high   bigint NOT NULL,
    sort_low    bigint NOT NULL,
    PRIMARY KEY (account_id, pipeline_id, level, bucket)
) WITH (fillfactor = 70);

-- How many wait, by the moment they are ordered by: what leads to deep pages.
CREATE TABLE guides (
    account_id  bigint NOT NULL,
    order_key   smallint NOT NULL,
    pipeline_id bigint NOT NULL,
    level       smallint NOT NULL,
    bucket      bigint NOT NULL,
    sip         bigint NOT NULL,
    forms       bigint NOT NULL,
    chats       bigint NOT NULL,
    mail        bigint NOT NULL,
    PRIMARY KEY (account_id, order_key, pipeline_id, level, bucket)
) WITH (fillfactor = 70);

-- Tokens, keys and sessions by which users come in.
CREATE TABLE tokens (
    account_id bigint NOT NULL,
    digest     bytea NOT NULL,
    expires_at bigint,
    body       text NOT NULL,
    PRIMARY KEY (account_id, digest)
);
CREATE INDEX tokens_digest ON tokens (digest);
CREATE INDEX tokens_end ON tokens (expires_at) WHERE expires_at IS NOT NULL;

-- What users allowed integrations; each holds a token of single use.
CREATE TABLE grants (
    account_id bigint NOT NULL,
    grant_id   text COLLATE "C" NOT NULL,
    expires_at bigint NOT NULL,
    body       text NOT NULL,
    PRIMARY KEY (account_id, grant_id)
);
CREATE INDEX grants_id ON grants (grant_id);
CREATE INDEX grants_end ON grants (expires_at);
