-- The tables of the example jobs, with some rows to try them on.

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    total numeric(12, 2),
    total_cents bigint
);
INSERT INTO orders (total)
SELECT CASE WHEN n % 50 <> 0 THEN (n % 997) + 0.25 END FROM generate_series(1, 50000) AS n;

CREATE TABLE sessions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    seen_at timestamptz NOT NULL,
    expired boolean NOT NULL DEFAULT false
);
INSERT INTO sessions (seen_at, expired)
SELECT timestamptz '2026-01-01 00:00:00+00' + (n / 10) * interval '1 minute', n % 3 = 0
FROM generate_series(1, 20000) AS n;
CREATE INDEX sessions_seen_at ON sessions (seen_at, id);

CREATE TABLE order_totals (
    order_id bigint PRIMARY KEY REFERENCES orders,
    cents bigint NOT NULL
);

CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text,
    pseudonym text
);
INSERT INTO customers (email)
SELECT CASE WHEN n % 20 <> 0 THEN ' Customer' || n || '@Example.com' END FROM generate_series(1, 5000) AS n;

ANALYZE orders, sessions, customers;
