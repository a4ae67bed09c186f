-- Transforms, and the other resources of the original's administration: so that its clients find them here, and
-- rates and newest values are computed when records come in.
--
-- Only adds: the version before goes on working while the new one is rolled out.

-- Transforms ------------------------------------------------------------------------------------------

CREATE TABLE transform_type (
    id         uuid        PRIMARY KEY,
    name       text        NOT NULL,
    function   text        NOT NULL,
    -- What the options of its transforms must follow.
    schema     jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX transform_type_name_key ON transform_type (name);

CREATE TABLE transform (
    id               uuid        PRIMARY KEY,
    type_id          uuid        NOT NULL REFERENCES transform_type,
    -- Null: the data sets of this type in all groups.
    input_group      text,
    input_type       text        NOT NULL,
    query_parameters jsonb       NOT NULL,
    options          jsonb       NOT NULL,
    -- Null: that of the input.
    output_group     text,
    output_type      text        NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX transform_input_idx ON transform (input_type, input_group);
CREATE INDEX transform_type_idx ON transform (type_id);

-- What is to be computed. A row is made in the transaction that stores the records it comes from, so that none
-- is forgotten, whatever dies.
CREATE TABLE transform_run (
    id           uuid        PRIMARY KEY,
    transform_id uuid        NOT NULL REFERENCES transform ON DELETE CASCADE,
    -- The data set that is read.
    data_set_id  bigint      NOT NULL,
    -- The times of the earliest and the latest record that were written.
    earliest     timestamptz NOT NULL,
    latest       timestamptz NOT NULL,
    state        text        NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'retrying', 'done', 'failed')),
    attempts     integer     NOT NULL DEFAULT 0,
    -- How many of the attempts failed, or did not end, for a reason that may lie in the run itself.
    failures     integer     NOT NULL DEFAULT 0,
    -- Not to be begun before.
    due_at       timestamptz NOT NULL DEFAULT now(),
    -- Until then it is the worker's that began it; after that, anybody's.
    lease_until  timestamptz,
    -- How many records were stored.
    records      integer,
    error        text,
    requested_at timestamptz NOT NULL DEFAULT now(),
    ended_at     timestamptz
);
-- One waits at most: what is written meanwhile is added to it.
CREATE UNIQUE INDEX transform_run_waiting_key ON transform_run (transform_id, data_set_id)
    WHERE state = 'waiting';
CREATE INDEX transform_run_open_idx ON transform_run (due_at)
    WHERE state IN ('waiting', 'running', 'retrying');
CREATE INDEX transform_run_transform_idx ON transform_run (transform_id, requested_at);
CREATE INDEX transform_run_ended_idx ON transform_run (ended_at) WHERE ended_at IS NOT NULL;

-- Documents -------------------------------------------------------------------------------------------

-- Data groups that were made before there was a data set of theirs.
CREATE TABLE data_group (
    name       text        PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Dashboards, types of modules and nodes of the tree of organisations: kept for clients of the original.
CREATE TABLE document (
    kind       text        NOT NULL CHECK (kind IN ('dashboard', 'module_type', 'node')),
    id         uuid        NOT NULL,
    -- By what people call it.
    slug       text,
    -- The document without its id.
    body       jsonb       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (kind, id)
);
CREATE UNIQUE INDEX document_slug_key ON document (kind, slug);
