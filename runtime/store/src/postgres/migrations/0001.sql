-- How far the log goes: whoever appends holds this row until its records are there, so that places have no gaps.
CREATE TABLE log_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    partitions int4 NOT NULL,
    records int8 NOT NULL DEFAULT 0,
    groups int8 NOT NULL DEFAULT 0,
    bytes int8 NOT NULL DEFAULT 0,
    -- The last time of receipt of each partition, and of what concerns all.
    receipts int8[] NOT NULL DEFAULT '{}',
    floor int8 NOT NULL
);

-- A record that concerns all partitions is in partition -1.
CREATE TABLE log (
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    position int8 NOT NULL,
    kind int2 NOT NULL,
    reason int2 NOT NULL,
    received int8 NOT NULL,
    key uuid NOT NULL,
    content uuid NOT NULL,
    note bytea NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (partition, user_id, position)
);
CREATE INDEX log_by_position ON log (position);

-- What makes a record the same record as another, and how long the log was before it was appended.
CREATE TABLE log_ids (
    key uuid PRIMARY KEY,
    content uuid NOT NULL,
    since int8 NOT NULL
);

CREATE TABLE leases (
    partition int4 PRIMARY KEY,
    epoch int8 NOT NULL,
    holder text,
    expires timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE users (
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    image bytea NOT NULL,
    PRIMARY KEY (partition, user_id)
);

CREATE TABLE parts (
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    number int8 NOT NULL,
    findings boolean NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (partition, user_id, number)
);
CREATE INDEX parts_with_findings ON parts (partition, user_id, number) WHERE findings;

CREATE TABLE lines (
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    first int8 NOT NULL,
    block bytea NOT NULL,
    PRIMARY KEY (partition, user_id, first)
);

CREATE TABLE folded (
    partition int4 PRIMARY KEY,
    position int8 NOT NULL
);

CREATE TABLE shared (
    position int8 PRIMARY KEY,
    record bytea NOT NULL
);

CREATE TABLE outbox_head (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    place int8 NOT NULL
);
INSERT INTO outbox_head (place) VALUES (0);

CREATE TABLE outbox (
    place int8 PRIMARY KEY,
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    sequence int8 NOT NULL,
    body bytea NOT NULL
);

CREATE TABLE announced (
    partition int4 NOT NULL,
    user_id bytea NOT NULL,
    sequence int8 NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (partition, user_id)
);

CREATE TABLE published (
    publisher bytea PRIMARY KEY,
    place int8 NOT NULL
);
