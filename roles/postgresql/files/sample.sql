-- A small shop: four tables with keys, foreign keys and checks, and rows from a fixed seed.
CREATE TABLE users (
    user_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email       text NOT NULL UNIQUE CHECK (email ~ '^[^@\s]+@[^@\s]+$'),
    full_name   text NOT NULL CHECK (full_name <> ''),
    country     char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    active      boolean NOT NULL DEFAULT true,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
    product_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku         text NOT NULL UNIQUE,
    name        text NOT NULL,
    category    text NOT NULL CHECK (category IN ('books', 'garden', 'kitchen', 'office', 'outdoor')),
    price       numeric(10, 2) NOT NULL CHECK (price > 0),
    stock       integer NOT NULL DEFAULT 0 CHECK (stock >= 0),
    attributes  jsonb NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE orders (
    order_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id     bigint NOT NULL REFERENCES users,
    status      text NOT NULL DEFAULT 'placed' CHECK (status IN ('placed', 'paid', 'shipped', 'delivered', 'cancelled')),
    total       numeric(12, 2) NOT NULL DEFAULT 0 CHECK (total >= 0),
    placed_at   timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX orders_user_id ON orders (user_id);

CREATE TABLE order_items (
    order_id    bigint NOT NULL REFERENCES orders ON DELETE CASCADE,
    line        integer NOT NULL CHECK (line > 0),
    product_id  bigint NOT NULL REFERENCES products,
    quantity    integer NOT NULL CHECK (quantity > 0),
    unit_price  numeric(10, 2) NOT NULL CHECK (unit_price > 0),
    PRIMARY KEY (order_id, line)
);
CREATE INDEX order_items_product_id ON order_items (product_id);

SELECT setseed(0.20240229);

INSERT INTO users (email, full_name, country, active, created_at, updated_at)
SELECT lower(first) || '.' || lower(last) || n || '@example.com', first || ' ' || last,
       (ARRAY['DE', 'FR', 'GB', 'IT', 'NL', 'PL', 'SE', 'US'])[1 + floor(random() * 8)::int],
       random() < 0.95, registered, registered
FROM (
    SELECT n,
           (ARRAY['Ada', 'Ben', 'Chloe', 'Dario', 'Elif', 'Femi', 'Greta', 'Hugo', 'Ines', 'Jonas', 'Kira', 'Luca',
                  'Mina', 'Noah', 'Olga', 'Pavel'])[1 + floor(random() * 16)::int] AS first,
           (ARRAY['Adler', 'Bakker', 'Costa', 'Dubois', 'Eriksson', 'Fischer', 'Garcia', 'Hughes', 'Ivanova', 'Jansen',
                  'Kowalski', 'Larsen', 'Moreau', 'Novak', 'Okafor', 'Rossi'])[1 + floor(random() * 16)::int] AS last,
           timestamptz '2024-01-01 00:00:00+00' + random() * interval '300 days' AS registered
    FROM generate_series(1, 500) AS n
) AS people;

INSERT INTO products (sku, name, category, price, stock, attributes, created_at, updated_at)
SELECT upper(left(category, 3)) || '-' || lpad(n::text, 5, '0'),
       (ARRAY['Compact', 'Classic', 'Folding', 'Heavy', 'Light', 'Large', 'Plain', 'Sturdy'])[1 + floor(random() * 8)::int]
           || ' ' || thing,
       category, round((3 + random() * random() * 250)::numeric, 2), floor(random() * 500)::int,
       jsonb_build_object('weight_g', 50 + floor(random() * 5000)::int,
                          'colour', (ARRAY['black', 'blue', 'green', 'red', 'white'])[1 + floor(random() * 5)::int]),
       timestamptz '2024-01-01 00:00:00+00', timestamptz '2024-01-01 00:00:00+00'
FROM (
    SELECT n, kind[1] AS category, kind[2] AS thing
    FROM (
        SELECT n, (ARRAY[ARRAY['books', 'Atlas'], ARRAY['books', 'Cookbook'], ARRAY['garden', 'Rake'],
                         ARRAY['garden', 'Planter'], ARRAY['kitchen', 'Kettle'], ARRAY['kitchen', 'Pan'],
                         ARRAY['office', 'Lamp'], ARRAY['office', 'Desk'], ARRAY['outdoor', 'Tent'],
                         ARRAY['outdoor', 'Backpack']])[pick:pick] AS kinds
        FROM (SELECT n, 1 + floor(random() * 10)::int AS pick FROM generate_series(1, 200) AS n) AS picked
    ) AS chosen, LATERAL (SELECT ARRAY[kinds[1][1], kinds[1][2]] AS kind) AS pair
) AS goods;

INSERT INTO orders (user_id, status, placed_at, updated_at)
SELECT 1 + floor(random() * 500)::int,
       (ARRAY['placed', 'paid', 'shipped', 'delivered', 'delivered', 'delivered', 'cancelled'])[1 + floor(random() * 7)::int],
       placed, placed
FROM (
    SELECT timestamptz '2024-11-01 00:00:00+00' + random() * interval '60 days' AS placed
    FROM generate_series(1, 1000)
) AS moments;

INSERT INTO order_items (order_id, line, product_id, quantity, unit_price)
SELECT order_id, line, product_id, quantity, price
FROM (
    SELECT order_id, line, 1 + floor(random() * 200)::int AS product_id, 1 + floor(random() * 4)::int AS quantity
    FROM (SELECT order_id, 1 + floor(random() * 4)::int AS lines FROM orders) AS sized,
         generate_series(1, lines) AS line
) AS drawn
JOIN products USING (product_id);

UPDATE orders
SET total = sums.total
FROM (SELECT order_id, sum(quantity * unit_price) AS total FROM order_items GROUP BY order_id) AS sums
WHERE sums.order_id = orders.order_id;
