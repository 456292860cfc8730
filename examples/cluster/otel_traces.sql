-- Spans that rotel stores, in the columns that its exporter writes.
-- The types are like those of `candor schema clickhouse --otel`.

CREATE TABLE IF NOT EXISTS otel_traces_shard (
    Timestamp Int64,
    TraceId String,
    SpanId String,
    ParentSpanId String,
    TraceState String,
    SpanName String,
    SpanKind String,
    ServiceName String,
    ResourceAttributes Tuple(Array(Tuple(String, String))),
    ScopeName String,
    ScopeVersion String,
    SpanAttributes Tuple(Array(Tuple(String, String))),
    Duration UInt64,
    StatusCode String,
    StatusMessage String,
    `Events.Timestamp` Array(Int64),
    `Events.Name` Array(String),
    `Events.Attributes` Array(Array(Tuple(String, String))),
    `Links.TraceId` Array(String),
    `Links.SpanId` Array(String),
    `Links.TraceState` Array(String),
    `Links.Attributes` Array(Array(Tuple(String, String))),
    d Date DEFAULT toDate(intDiv(Timestamp, 1000000000))
) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY (TraceId, Timestamp);

CREATE TABLE IF NOT EXISTS otel_traces AS otel_traces_shard
    ENGINE = Distributed(two, default, otel_traces_shard, rand());
