-- The whole write contract: changes of single records, ids made of fields, replays of rejected batches,
-- scopes of tokens, and a trail of who changed what.
--
-- Only adds: services of the version before go on working while the new ones are rolled out, workers first (they read
-- what both versions put into the queue).

-- Records ---------------------------------------------------------------------------------------------

-- The values of which `auto_ids` made the id, as a JSON list: values that differ may join to the same id.
ALTER TABLE record ADD COLUMN id_tuple text;

-- Records that were deleted one by one; emptying a data set raises its generation instead.
CREATE TABLE record_deletion (
    data_set_id bigint      NOT NULL,
    -- The place of the deletion in the order of changes of the data set.
    seq         bigint      NOT NULL,
    generation  integer     NOT NULL,
    id          text COLLATE "C" NOT NULL,
    deleted_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (data_set_id, seq)
);
CREATE INDEX record_deletion_id_idx ON record_deletion (data_set_id, generation, id);
CREATE INDEX record_deletion_time_idx ON record_deletion USING brin (deleted_at);

-- From this version on every deletion is listed in record_deletion; who has not followed so far starts afresh.
ALTER TABLE data_set_state ADD COLUMN deletions_since bigint NOT NULL DEFAULT 0;

-- The ledger of the log -------------------------------------------------------------------------------

ALTER TABLE batch
    -- How many records of the batch were not stored while the others were.
    ADD COLUMN rejected  integer NOT NULL DEFAULT 0,
    -- The rejected batch of which this one is a replay.
    ADD COLUMN replay_of uuid,
    -- The ids that had changed since the replayed batch was rejected: they stand in the answer.
    ADD COLUMN changed   jsonb,
    -- Why the request as a whole was refused. What is wrong with records stands in rejected_batch.
    ADD COLUMN refusal   jsonb;

ALTER TABLE rejected_batch
    -- What the batch was to do, in the words of its envelope; null in rows of the version before.
    ADD COLUMN kind        jsonb,
    -- How many records the body holds; null in rows of the version before.
    ADD COLUMN records     integer,
    -- The numbers those records had in the request, if the others of it were stored.
    ADD COLUMN numbers     integer[],
    -- What was wrong with some of them as they came, so that no replay takes what is left of them for good.
    ADD COLUMN faults      jsonb,
    -- Where they came from, to name the place if they are faulty still.
    ADD COLUMN origin      jsonb,
    -- What the data set was when the batch was rejected: what changed since is what came after.
    ADD COLUMN generation  integer,
    ADD COLUMN version     bigint,
    -- The batch it was replayed as, with success.
    ADD COLUMN replayed_as uuid;

-- Schemas ---------------------------------------------------------------------------------------------

-- A version that asks for nothing but the record rules. Its document is `{}`, which says the same to the version
-- of the program before this one.
ALTER TABLE data_set_schema ADD COLUMN record_rules_only boolean NOT NULL DEFAULT false;

-- Tokens ----------------------------------------------------------------------------------------------

ALTER TABLE data_set_token
    ADD COLUMN label               text    NOT NULL DEFAULT '',
    ADD COLUMN scopes              text[]  NOT NULL DEFAULT '{write}'
        CHECK (scopes <@ '{write,read,admin}' AND cardinality(scopes) > 0),
    -- How many requests a minute each process lets through; null: what the service is set to.
    ADD COLUMN requests_per_minute integer CHECK (requests_per_minute > 0);

-- Apart from the token, because each change of that makes every process load its configuration anew.
CREATE TABLE data_set_token_use (
    token_id     bigint      PRIMARY KEY REFERENCES data_set_token,
    last_used_at timestamptz NOT NULL
);

-- The trail -------------------------------------------------------------------------------------------

-- Every change of the administration. Writes of records have their row in `batch`.
CREATE TABLE audit_event (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT now(),
    -- Null: not about one data set.
    data_set_id   bigint,
    -- Its name at that time, which outlives it.
    data_set_name text,
    -- Who: a token of a data set, or null for the administration token.
    token_id      bigint,
    request_id    text        NOT NULL,
    action        text        NOT NULL,
    -- What was changed, from what to what. Never a token, never a record.
    detail        jsonb       NOT NULL
);
CREATE INDEX audit_event_data_set_idx ON audit_event (data_set_id, at);
CREATE INDEX audit_event_time_idx ON audit_event (at);
-- The trail of one data set, and of all of them, is read page by page, newest first.
CREATE INDEX batch_data_set_time_idx ON batch (data_set_id, applied_at);
CREATE INDEX batch_time_idx ON batch (applied_at);
