-- A key may be as long as an index of the user's allows; together with the run it was too long for one of ours.

ALTER TABLE quarantine
    DROP CONSTRAINT quarantine_pkey,
    ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
CREATE UNIQUE INDEX quarantine_key ON quarantine (run, jsonb_hash_extended(key, 0), jsonb_hash_extended(key, 1));
