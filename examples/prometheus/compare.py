#!/usr/bin/env python3
"""Compares the counts in Prometheus with the lines of a log, and reads the stories of its exemplars.

    compare.py http://127.0.0.1:19090 service.log path/to/candor
"""

import collections
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request

url, log, candor = sys.argv[1:]
EVENTS = {
    "step_timing": "candor_steps_total",
    "dependency_call": "candor_dependency_calls_total",
    "request_completed": "http_server_requests_total",
    "job_completed": "candor_jobs_total",
}
HISTOGRAMS = {
    "candor_steps_total": "candor_step_duration_seconds_count",
    "candor_dependency_calls_total": "candor_dependency_duration_seconds_count",
    "http_server_requests_total": "http_server_request_duration_seconds_count",
    "candor_jobs_total": "candor_job_duration_seconds_count",
}
TARGET_LABELS = {"__name__", "instance", "job"}


def fail(message):
    sys.exit(f"compare.py: {message}")


def get(path, **parameters):
    query = urllib.parse.urlencode(parameters)
    with urllib.request.urlopen(f"{url}/api/v1/{path}?{query}", timeout=10) as response:
        answer = json.load(response)
    if answer["status"] != "success":
        fail(f"Prometheus answers {answer}")
    return answer["data"]


def labels_of(line):
    """Returns the labels of the series that counts a line."""
    labels = {"outcome": line["outcome"]}
    for key in ("step", "dependency", "operation", "error"):
        if line.get(key) is not None:
            labels[key] = line[key]
    if line["event"] == "job_completed":
        labels["job_name"] = line["job"]
    if line["event"] == "request_completed":
        status = line["status"]
        labels["status_class"] = "none" if status is None else f"{status // 100}xx"
        labels["http_request_method"] = line["method"]
        labels["http_route"] = line.get("route", "_OTHER")
    return frozenset(labels.items())


def counts_of(metric):
    """Returns the counts in Prometheus by their labels."""
    counts = collections.Counter()
    for result in get("query", query=metric)["result"]:
        labels = {k: v for k, v in result["metric"].items() if k not in TARGET_LABELS}
        counts[frozenset(labels.items())] += int(result["value"][1])
    return counts


written = {metric: collections.Counter() for metric in EVENTS.values()}
with open(log, encoding="utf-8") as lines:
    for line in map(json.loads, lines):
        if line.get("event") in EVENTS:
            written[EVENTS[line["event"]]][labels_of(line)] += 1

total = 0
for metric, expected in written.items():
    if not expected:
        fail(f"the log has no lines that {metric} counts")
    counted = counts_of(metric)
    if counted != expected:
        fail(f"{metric} is {counted}, but the log has {expected}")
    observed = sum(counts_of(HISTOGRAMS[metric]).values())
    if observed != sum(expected.values()):
        fail(f"{HISTOGRAMS[metric]} is {observed}, but the log has {sum(expected.values())} lines")
    total += observed
outcomes = {dict(labels)["outcome"] for labels in written["http_server_requests_total"]}
if outcomes != {"ok", "error", "cancelled", "panicked"}:
    fail(f"the requests have only the outcomes {outcomes}")
print(f"the counts of {total} lines in {sum(map(len, written.values()))} series are equal")

now = time.time()
ids = {}
for metric in ("http_server_request_duration_seconds_bucket", "candor_step_duration_seconds_bucket",
               "candor_dependency_duration_seconds_bucket"):
    found = get("query_exemplars", query=metric, start=now - 600, end=now + 60)
    for series in found:
        for exemplar in series["exemplars"]:
            # The job has no trace.
            if exemplar["labels"]["request_id"].startswith("order-") and not exemplar["labels"].get("trace_id"):
                fail(f"an exemplar has no trace_id: {exemplar}")
            ids[exemplar["labels"]["request_id"]] = series["seriesLabels"]["outcome"]
if set(ids.values()) != {"ok", "error", "cancelled", "panicked"}:
    fail(f"the exemplars have only the outcomes {set(ids.values())}")
for request_id in ids:
    story = subprocess.run([candor, "story", request_id, log], capture_output=True, text=True, timeout=60)
    if story.returncode != 0 or request_id not in story.stdout:
        fail(f"candor story {request_id} ended with {story.returncode}: {story.stdout}{story.stderr}")
print(f"each of {len(ids)} exemplars has a story")
