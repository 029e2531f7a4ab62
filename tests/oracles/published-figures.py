"""Median, smallest and largest of each cell of the published figures, by Python's own statistics; for tests/verdicts.rs."""

import csv, statistics
names = {"reqs-changed": "main-requirements-changed", "dev-reqs-changed": "dev-requirements-changed"}
cells = {}
for row in csv.DictReader(open("results/article/published-raw.csv"), delimiter=";"):
    approach = row.pop("scenario").replace("multistage", "multi-stage")
    for scenario, value in row.items():
        cells.setdefault((approach, names.get(scenario, scenario)), []).append(float(value))
for (approach, scenario), values in cells.items():
    print(approach, scenario, len(values), statistics.median(values), min(values), max(values), sep=",")
