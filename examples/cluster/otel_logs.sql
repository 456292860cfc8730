-- Logs that the OpenTelemetry collector rotel stores. The columns with capital letters are the ones its ClickHouse
-- exporter writes, in RowBinary. A nanosecond time and a map have the same bytes as Int64 and an array of pairs; the
-- tuple around it keeps old servers from splitting the array into two columns.
--
-- The others are candor's: the line as it was written, and the keys that `candor` filters by. None of these
-- expressions can fail: rotel does not send a batch a second time after an error of ClickHouse.

CREATE TABLE IF NOT EXISTS otel_logs_shard (
    Timestamp Int64,
    TraceId String,
    SpanId String,
    TraceFlags UInt8,
    SeverityText String,
    SeverityNumber UInt8,
    ServiceName String,
    Body String,
    ResourceSchemaUrl String,
    ResourceAttributes Tuple(Array(Tuple(String, String))),
    ScopeSchemaUrl String,
    ScopeName String,
    ScopeVersion String,
    ScopeAttributes Tuple(Array(Tuple(String, String))),
    LogAttributes Tuple(Array(Tuple(String, String))),
    line String DEFAULT arrayElement(arrayMap(x -> x.2, arrayFilter(x -> x.1 = 'log.record.original', LogAttributes.1)), 1),
    request_id String DEFAULT arrayElement(arrayMap(x -> x.2, arrayFilter(x -> x.1 = 'request_id', LogAttributes.1)), 1),
    trace_id String DEFAULT TraceId,
    span_id String DEFAULT visitParamExtractString(line, 'span_id'),
    event String DEFAULT visitParamExtractString(line, 'event'),
    ts DateTime DEFAULT toDateTime(intDiv(Timestamp, 1000000000)),
    d Date DEFAULT toDate(ts)
) ENGINE = MergeTree PARTITION BY toYYYYMM(d) ORDER BY (request_id, ts);

-- rotel appends `_logs` to its prefix, so this is the table it inserts into. The shard is random, so that even the
-- lines of one request are on both.
CREATE TABLE IF NOT EXISTS otel_logs AS otel_logs_shard
    ENGINE = Distributed(two, default, otel_logs_shard, rand());

-- The same under a name that says it has the rows of all shards.
CREATE TABLE IF NOT EXISTS otel_logs_all AS otel_logs_shard
    ENGINE = Distributed(two, default, otel_logs_shard, rand());
