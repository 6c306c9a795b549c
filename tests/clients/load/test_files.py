"""The files that a load test leaves: JSON, CSV, an HdrHistogram log and a page."""

from __future__ import annotations

import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from load_results import EXPIRED, UNAVAILABLE, answered, even_calls, result, step

from mcts_client._load.csv_files import seconds_csv, steps_csv
from mcts_client._load.hdr_log import hdr_log, require_hdrhistogram
from mcts_client._load.html_report import html_report
from mcts_client._load.json_report import json_report
from mcts_client._load.records import Records, merged
from mcts_client._load.result import Result
from mcts_client._load.work import Work


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def one_run() -> Result:
    """Nineteen answers of 20 to 380 ms and an error in the first second, one answer in the next."""
    records = Records()
    for number in range(19):
        answered(records, 101.0 + number / 20, (number + 1) / 50, simulations=10)
    answered(records, 101.96, 0.3, UNAVAILABLE)
    answered(records, 102.5, 0.002, simulations=10)
    return result(step(records), thresholds=["p99<1s"])


def a_search() -> Result:
    return result(
        step(even_calls(10, 0.1)),
        step(even_calls(20, 0.2), rate=20.0),
        step(even_calls(30, 0.9), ("too <slow>",), rate=40.0),
    )


# ---- JSON ------------------------------------------------------------------------------


def test_json_of_a_search_has_every_step_and_above_all_the_greatest_kept() -> None:
    report = json.loads(json_report(a_search()))
    assert report["asked_rate"] == 20
    assert [one["asked_rate"] for one in report["steps"]] == [10, 20, 40]
    assert [one["kept"] for one in report["steps"]] == [True, True, False]
    assert report["steps"][2]["broken"] == ["too <slow>"]
    assert report["is_bounded_by_client"] is False
    assert report["machine"]["processor"] == "Some CPU"


def test_json_has_the_verdicts() -> None:
    report = json.loads(json_report(one_run()))
    [verdict] = report["thresholds"]
    assert (verdict["threshold"], verdict["kept"]) == ("p99<1s", True)
    assert verdict["measured"] == pytest.approx(0.38)
    assert report["failures"] == []
    assert report["by_work"]["m"]["calls"] == 21


# ---- CSV -------------------------------------------------------------------------------


def test_a_row_a_second_counts_calls_where_they_were_due() -> None:
    first, second = rows(seconds_csv(one_run()))
    assert (first["second"], first["calls"], first["ok"], first["failed"]) == ("0", "20", "19", "1")
    assert (float(first["p50_ms"]), float(first["max_ms"])) == pytest.approx((200, 380))
    assert (second["second"], second["calls"], second["simulations"]) == ("1", "1", "10")


def test_a_second_without_calls_has_a_row_too() -> None:
    records = Records()
    answered(records, 102.5, 0.1)
    quiet, _ = rows(seconds_csv(result(step(records))))
    assert (quiet["calls"], quiet["p50_ms"]) == ("0", "")


def test_a_row_a_step() -> None:
    listed = rows(steps_csv(a_search()))
    assert [row["asked_rate"] for row in listed] == ["10", "20", "40"]
    assert [float(row["p99_ms"]) for row in listed] == pytest.approx([100, 200, 900])
    assert listed[2]["broken"] == "too <slow>"
    assert {row["step"] for row in rows(seconds_csv(a_search()))} == {"0", "1", "2"}


# ---- HdrHistogram ----------------------------------------------------------------------


def histograms(log: str, folder: Path) -> list[Any]:
    """The intervals of a log, as the library's own reader gives them."""
    log_module = pytest.importorskip("hdrh.log")
    histogram = pytest.importorskip("hdrh.histogram")
    file = folder / "latency.hlog"
    file.write_text(log)
    reader = log_module.HistogramLogReader(
        str(file), histogram.HdrHistogram(1_000, 3_600_000_000_000, 3)
    )
    try:
        return list(iter(reader.get_next_interval_histogram, None))
    finally:
        reader.close()


def test_the_log_reads_back_to_three_digits(tmp_path: Path) -> None:
    first, second = histograms(hdr_log(one_run()), tmp_path)
    assert (first.get_total_count(), second.get_total_count()) == (19, 1)
    assert first.get_value_at_percentile(50) == pytest.approx(200e6, rel=1e-3)
    assert first.get_max_value() == pytest.approx(380e6, rel=1e-3)
    assert first.get_tag() is None
    assert first.get_start_time_stamp() == pytest.approx(1_700_000_000_000)


def test_an_open_loop_needs_no_correction(tmp_path: Path) -> None:
    log = hdr_log(one_run())
    assert "nothing to correct" in log
    assert "Tag=" not in log


def test_a_closed_loop_is_logged_as_it_was_and_corrected(tmp_path: Path) -> None:
    records = Records()
    for number in range(9):
        answered(records, 101.0 + number / 100, 0.01)
    answered(records, 101.1, 0.1)
    log = hdr_log(result(step(records, rate=None, concurrency=1, duration=1.0)))
    plain, corrected = histograms(log, tmp_path)
    assert (plain.get_tag(), corrected.get_tag()) == (None, "corrected")
    assert plain.get_total_count() == 10
    # The one of 100 ms kept waiting those who would have come each 10 ms: 90, 80, ... 10 ms.
    assert corrected.get_total_count() == 19


def test_histograms_of_processes_add_up_to_that_of_all(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    processes = [Records(), Records(), Records()]
    for number, latency in enumerate(rng.exponential(0.05, 600)):
        answered(processes[number % 3], 101.0 + number / 600, float(latency))
    whole = Records()
    for number, latency in enumerate(np.random.default_rng(0).exponential(0.05, 600)):
        answered(whole, 101.0 + number / 600, float(latency))
    parts = [histograms(hdr_log(result(step(one, duration=1.0))), tmp_path)[0] for one in processes]
    [expected] = histograms(hdr_log(result(step(whole, duration=1.0))), tmp_path)
    added = parts[0]
    added.add(parts[1])
    added.add(parts[2])
    assert added.get_total_count() == expected.get_total_count() == 600
    for percentile in (1, 50, 90, 99, 99.9, 100):
        assert added.get_value_at_percentile(percentile) == expected.get_value_at_percentile(
            percentile
        )
    exact = merged([records.outcome() for records in processes]).columns.latencies
    assert expected.get_value_at_percentile(50) == pytest.approx(
        np.quantile(exact, 0.5, method="inverted_cdf") * 1e9, rel=2e-3
    )


def test_without_the_package_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "hdrh.histogram", None)
    with pytest.raises(ValueError, match=re.escape("pip install 'mcts-service[load]'")):
        require_hdrhistogram()


# ---- the page --------------------------------------------------------------------------


def mixture() -> Result:
    records = Records()
    for number in range(30):
        answered(records, 101.0 + number / 20, 0.01 * (number + 1), work=number % 2)
    answered(records, 102.6, 0.5, EXPIRED)
    work = (Work("a", "m", states=(1,)), Work("b", "n", mode="batch", states=(1,)))
    return result(step(records, names=["a", "b"]), work=work, thresholds=["p99<1ms"])


def closed_loop() -> Result:
    return result(step(even_calls(10, 0.1), rate=None, concurrency=2))


PAGES = {
    "one run": one_run,
    "a search": a_search,
    "a mixture": mixture,
    "a closed loop": closed_loop,
    "no answers": lambda: result(step(Records())),
    "no rate kept": lambda: result(step(even_calls(9, 0.1), ("x",)), step(Records(), ("x",))),
}


def page(make: Any) -> ElementTree.Element:
    text = html_report(make())
    assert text.startswith("<!DOCTYPE html>\n<html")
    return ElementTree.fromstring(text.partition("\n")[2])


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES.keys())
def test_the_page_is_well_formed_and_needs_nothing_else(make: Any) -> None:
    text = html_report(make())
    tree = page(make)
    assert "http" not in text
    assert "url(" not in text
    assert "@import" not in text
    tags = {element.tag for element in tree.iter()}
    assert tags.isdisjoint({"script", "link", "img", "iframe", "object", "embed", "image", "use"})
    assert all({"src", "href"}.isdisjoint(element.attrib) for element in tree.iter())


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES.keys())
def test_every_drawn_thing_lies_within_its_chart(make: Any) -> None:
    for svg in page(make).iter("svg"):
        _, _, width, height = map(float, svg.attrib["viewBox"].split())
        for element in svg.iter():
            numbers = [element.attrib.get(name) for name in ("x", "x1", "x2", "cx")]
            assert all(0 <= float(number) <= width for number in numbers if number)
            numbers = [element.attrib.get(name) for name in ("y", "y1", "y2", "cy")]
            assert all(0 <= float(number) <= height for number in numbers if number)
            assert "nan" not in element.attrib.get("d", "")


@pytest.mark.parametrize("make", PAGES.values(), ids=PAGES.keys())
def test_every_row_of_a_table_has_all_its_cells(make: Any) -> None:
    for rows in page(make).iter("table"):
        assert len({len(row) for row in rows.iter("tr")}) == 1


def test_the_page_of_a_search_shows_latency_against_rate() -> None:
    tree = page(a_search)
    labels = [svg.attrib["aria-label"] for svg in tree.iter("svg")]
    assert labels == [
        "Latency against rate", "Latency over time", "Calls over time", "Percentiles of latency",
    ]  # fmt: skip
    rings = [e for e in tree.iter("circle") if "hollow" in e.attrib["class"]]
    assert len(rings) == 4  # the rate that broke, once for each quantile
    assert "greatest rate kept" in "".join(tree.itertext())


def test_the_page_tells_settings_machine_and_errors_by_status() -> None:
    words = " ".join(page(one_run).itertext())
    for told in ("UNAVAILABLE", "gone <away>", "Some CPU", "open, poisson arrivals", "Passed"):
        assert told in words


def test_the_page_tells_why_a_test_failed() -> None:
    words = " ".join(page(mixture).itertext())
    assert "Failed" in words
    assert "p99<1ms: BROKEN" in words
