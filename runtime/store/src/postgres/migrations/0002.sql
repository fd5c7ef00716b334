-- The nodes that share the store. A lease lasts as long as its holder's row says, so that one row is renewed and not one
-- for each partition; a holder that is found to have ended has '-infinity' there and holds nothing any more.
CREATE TABLE nodes (
    name text PRIMARY KEY,
    -- What the node's connections are called: another one for each of its lives.
    session text NOT NULL,
    address text NOT NULL,
    version text NOT NULL,
    -- Whether it wants all partitions, and nobody beside it.
    alone boolean NOT NULL,
    folded int8 NOT NULL DEFAULT 0,
    started timestamptz NOT NULL,
    seen timestamptz NOT NULL,
    expires timestamptz NOT NULL
);

ALTER TABLE leases DROP COLUMN expires;

-- Compiled policies that were deployed: every node needs them.
CREATE TABLE modules (
    hash text PRIMARY KEY,
    module bytea NOT NULL
);
