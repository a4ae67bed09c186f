-- The store: data sets and who may write to them, their records, and the ledger of the log that makes
-- every accepted batch count exactly once.
--
-- Every table that grows carries data_set_id first in its key, so that the same tables can be spread
-- over several machines by data set.

-- Configuration ---------------------------------------------------------------------------------------

-- One number for all configuration, so that a process learns with one cheap statement whether what it
-- has cached is still true. The triggers below raise it, whoever makes the change.
CREATE TABLE configuration (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version   bigint  NOT NULL
);
INSERT INTO configuration (version) VALUES (1);

CREATE TABLE data_set (
    -- Never used again: entries of the log name it, and may outlive it.
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name                text        NOT NULL,
    data_group          text        NOT NULL,
    data_type           text        NOT NULL,
    partition           smallint    NOT NULL,
    raw_queries_allowed boolean     NOT NULL,
    queryable           boolean     NOT NULL,
    published           boolean     NOT NULL,
    realtime            boolean     NOT NULL,
    auto_ids            text[]      NOT NULL,
    max_age_expected    bigint,
    capped_size         bigint,
    retention_days      integer,
    upload_format       text        NOT NULL,
    upload_filters      text[]      NOT NULL,
    created_at          timestamptz NOT NULL DEFAULT now(),
    -- A deleted data set keeps its row, so that what is still queued for it can be told from garbage.
    deleted_at          timestamptz
);
CREATE UNIQUE INDEX data_set_name_key ON data_set (name) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX data_set_group_type_key ON data_set (data_group, data_type) WHERE deleted_at IS NULL;

CREATE TABLE data_set_schema (
    data_set_id bigint      NOT NULL REFERENCES data_set,
    version     integer     NOT NULL CHECK (version > 0),
    document    jsonb       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (data_set_id, version)
);

CREATE TABLE data_set_token (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    data_set_id bigint      NOT NULL REFERENCES data_set,
    -- Only the hash is kept: a copy of this table lets nobody write.
    sha256      bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);
CREATE UNIQUE INDEX data_set_token_hash_key ON data_set_token (data_set_id, sha256) WHERE revoked_at IS NULL;

CREATE FUNCTION configuration_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    raised bigint;
BEGIN
    UPDATE configuration SET version = version + 1 RETURNING version INTO raised;
    PERFORM pg_notify('backdrop_configuration', raised::text);
    RETURN NULL;
END $$;

CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON data_set
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON data_set_schema
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();
CREATE TRIGGER configuration_changed AFTER INSERT OR UPDATE OR DELETE ON data_set_token
    FOR EACH STATEMENT EXECUTE FUNCTION configuration_changed();

-- Records ---------------------------------------------------------------------------------------------

CREATE TABLE data_set_state (
    data_set_id       bigint      PRIMARY KEY REFERENCES data_set,
    -- Readers see only the records of this generation; emptying a data set is raising it.
    generation        integer     NOT NULL DEFAULT 1,
    -- Below this generation no record is left; the janitor raises it.
    swept_generation  integer     NOT NULL DEFAULT 1,
    -- How often the data set changed: it grows by one for each record stored. The source of record.seq.
    version           bigint      NOT NULL DEFAULT 0,
    -- Goes with each version, so that a restored database cannot pass for the one it was.
    version_tag       uuid        NOT NULL DEFAULT gen_random_uuid(),
    records           bigint      NOT NULL DEFAULT 0,
    -- The newest timestamp of a record, by which staleness is judged.
    last_timestamp    timestamptz,
    updated_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE record (
    data_set_id bigint      NOT NULL,
    generation  integer     NOT NULL,
    id          text        NOT NULL,
    -- Place in the order of changes of this data set: `seq > n` is what changed since version n.
    seq         bigint      NOT NULL,
    -- `_timestamp`, or the time of acceptance of a record without one.
    "timestamp" timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    -- The record without `_id`, its times in the form in which they are printed.
    body        jsonb       NOT NULL,
    PRIMARY KEY (data_set_id, generation, id)
);
CREATE INDEX record_timestamp_idx ON record (data_set_id, generation, "timestamp");
CREATE INDEX record_seq_idx ON record (data_set_id, generation, seq);

-- The ledger of the log -------------------------------------------------------------------------------

CREATE TABLE ingest_partition (
    partition    smallint    PRIMARY KEY CHECK (partition >= 0),
    -- Every entry at or below the cursor is decided. cursor_n is -1 before the first of an epoch.
    cursor_epoch bigint      NOT NULL DEFAULT 0,
    cursor_n     bigint      NOT NULL DEFAULT -1,
    -- The newest epoch that was opened.
    epoch        bigint      NOT NULL DEFAULT 0,
    -- How often work on the head entry began without ending; see the worker's `attempts`.
    attempts     integer     NOT NULL DEFAULT 0,
    applied_at   timestamptz
);

-- Where each epoch ended, as far as is known: so that what a queue lost with its memory is noticed when
-- the cursor passes on to the next epoch.
CREATE TABLE ingest_epoch (
    partition  smallint    NOT NULL REFERENCES ingest_partition,
    epoch      bigint      NOT NULL,
    run_id     text        NOT NULL,
    opened_at  timestamptz NOT NULL DEFAULT now(),
    -- The highest n that is known to have been given in this epoch, -1 if none.
    tail_n     bigint      NOT NULL DEFAULT -1,
    -- Whether the queue had forgotten entries or its marker when the next epoch was opened.
    went_back  boolean     NOT NULL DEFAULT false,
    -- The cursor's n when it passed on to a later epoch; null as long as it has not.
    left_at_n  bigint,
    PRIMARY KEY (partition, epoch)
);

CREATE TABLE ingest_gap (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    partition    smallint    NOT NULL,
    -- The last applied entry before the gap, and the first one after it (null: none came yet).
    after_epoch  bigint      NOT NULL,
    after_n      bigint      NOT NULL,
    before_epoch bigint,
    before_n     bigint,
    -- How many entries are known to be missing. 0: the queue lost its memory, and nobody who was told
    -- of an entry that it lost has reported it so far.
    missing      bigint      NOT NULL CHECK (missing >= 0),
    noticed_at   timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE batch (
    data_set_id     bigint      NOT NULL,
    batch_id        uuid        NOT NULL,
    partition       smallint    NOT NULL,
    epoch           bigint      NOT NULL,
    n               bigint      NOT NULL,
    kind            text        NOT NULL,
    token_id        bigint,
    request_id      text        NOT NULL,
    outcome         text        NOT NULL CHECK (outcome IN ('stored', 'rejected', 'dead')),
    records         integer     NOT NULL,
    idempotency_key text,
    body_sha256     text,
    accepted_at     timestamptz NOT NULL,
    applied_at      timestamptz NOT NULL,
    PRIMARY KEY (data_set_id, batch_id)
);
-- Rows come in the order of this column, so a few pages of summaries tell where the old ones are.
CREATE INDEX batch_applied_at_idx ON batch USING brin (applied_at);
CREATE INDEX batch_entry_idx ON batch (partition, epoch, n);
CREATE UNIQUE INDEX batch_idempotency_key ON batch (data_set_id, idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- What was refused, kept as it came, to be looked at, mended and replayed.
CREATE TABLE rejected_batch (
    data_set_id bigint      NOT NULL,
    batch_id    uuid        NOT NULL,
    -- The JSON array of records, compressed with gzip.
    body        bytea       NOT NULL,
    errors      jsonb       NOT NULL,
    rejected_at timestamptz NOT NULL,
    PRIMARY KEY (data_set_id, batch_id)
);
CREATE INDEX rejected_batch_time_idx ON rejected_batch (data_set_id, rejected_at);

-- Which workers live, so that they share the partitions among them. Only a preference hangs on it: what
-- keeps two workers from applying the same entry is the lock on the partition's row.
CREATE TABLE worker_heartbeat (
    worker_id  uuid        PRIMARY KEY,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now()
);
