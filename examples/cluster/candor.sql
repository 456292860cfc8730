-- Lines that a shipper inserts as they are; the other columns are computed from the line.

CREATE TABLE IF NOT EXISTS candor (
    line String,
    ts DateTime DEFAULT parseDateTimeBestEffortOrZero(visitParamExtractString(line, 'ts')),
    request_id String DEFAULT visitParamExtractString(line, 'request_id'),
    trace_id String DEFAULT visitParamExtractString(line, 'trace_id'),
    span_id String DEFAULT visitParamExtractString(line, 'span_id'),
    event String DEFAULT visitParamExtractString(line, 'event'),
    d Date DEFAULT toDate(ts)
) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY (request_id, ts);

-- The shard is random, so that even the lines of one request are on both.
CREATE TABLE IF NOT EXISTS candor_all AS candor
    ENGINE = Distributed(two, default, candor, rand());
