"""Reads a scrape on stdin by Prometheus's own Python package; prints its families as JSON."""

import json
import sys

from prometheus_client.parser import text_string_to_metric_families

families = [
    {
        "name": family.name,
        "help": family.documentation,
        "type": family.type,
        # +Inf and NaN are no JSON
        "samples": [[s.name, s.labels, str(s.value)] for s in family.samples],
    }
    for family in text_string_to_metric_families(sys.stdin.read())
]
json.dump(families, sys.stdout)
