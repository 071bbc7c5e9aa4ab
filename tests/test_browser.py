"""What a person finds in the browser after `kzz run` and `kzz ui`; with KZZ_SCREENSHOTS=<folder>, pictures of it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REAL, Workplace

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium and chromedriver on this machine"),
]
_QUIET = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1600,1100",
)  # fmt: skip


class Pages:
    """The UI of one workplace, in a headless browser."""

    def __init__(self, address: str, profile: Path) -> None:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for argument in (*_QUIET, f"--user-data-dir={profile}"):
            options.add_argument(argument)
        self.address = address
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def shows(self, path: str, *texts: str, picture: str = "") -> str:
        """The text of a page, once all of `texts` stand on it."""
        self.driver.get(self.address + path)
        deadline = time.monotonic() + 60
        body = ""
        while time.monotonic() < deadline:
            body = self.driver.find_element("tag name", "body").text
            if all(text in body for text in texts):
                break
            time.sleep(0.5)
        missing = [text for text in texts if text not in body]
        assert not missing, f"{path} lacks {missing}:\n{body}"
        if picture and (folder := os.environ.get("KZZ_SCREENSHOTS")):
            time.sleep(2)  # the graph is drawn after its names are there
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(str(Path(folder) / f"{picture}.png"))
        return body


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    found = Workplace(tmp_path_factory.mktemp("ui"))
    real = REAL.read_bytes()
    found.put("2020/kzz-key-projects.txt", real)
    found.put("2021/half-copy.txt", real[:20000])
    assert found.kzz("run").returncode == 3
    return found


@pytest.fixture(scope="module")
def pages(place: Workplace) -> Iterator[Pages]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "kzz_pipeline.cli", "ui", "--port", str(port), "--raw", str(place.raw)]
    # A session of its own: without one, dagster dev in the background ignores the signals that stop it.
    server = subprocess.Popen(
        [*command, "--out", str(place.out)], env=place.environment, cwd=place.root,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    found = None
    try:
        _wait(f"http://127.0.0.1:{port}/server_info")
        found = Pages(f"http://127.0.0.1:{port}", place.root / "profile")
        yield found
    finally:
        if found is not None:
            found.driver.quit()
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)


def _wait(address: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)


def test_graph_reads_as_the_mission(pages: Pages) -> None:
    groups = ("a_raw_text", "b_parsed_blocks", "c_normalized", "d_curated", "e_yearly", "f_tables")
    pages.shows("/asset-groups", *groups)
    chain = ("raw_text", "parsed_blocks", "curated_tables", "yearly_aggregates")
    pages.shows("/assets/yearly_aggregates?view=lineage&lineageScope=upstream&lineageDepth=5", *chain, picture="graph")


def test_partitions_are_the_releases(pages: Pages) -> None:
    pages.shows(
        "/assets/curated_tables?view=partitions",
        "2020-kzz-key-projects", "2021-half-copy", "Materialized (1)", "Missing (1)",
        picture="partitions",
    )  # fmt: skip


def test_failed_check_shows_the_damaged_release_and_its_line(pages: Pages) -> None:
    pages.shows("/assets/release_register?view=checks&checkDetail=none_refused", "none_refused", "Failed")
    pages.shows("/assets/release_register", "2021-half-copy", "refused", "line", picture="register")


def test_sensors_and_schedule_run(pages: Pages) -> None:
    pages.shows("/automation", "releases_arrived", "years_touched", "daily_sweep", picture="automation")
    deadline = time.monotonic() + 60
    # Each switch is asked for by itself, after the names are there. The fourth, weekly_compaction, is off.
    while len(pages.driver.find_elements("css selector", "input[type=checkbox]:checked")) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.5)


def test_dropped_file_is_published_without_a_hand(pages: Pages, place: Workplace) -> None:
    text = REAL.read_text(encoding="utf-8").replace("(2020年)", "(2022年)").replace("469.37", "470.00")
    place.put("2022/follow-up.txt", text)
    published = place.out / "yearly_summary" / "2022.parquet"
    deadline = time.monotonic() + 120
    while not published.exists() and time.monotonic() < deadline:
        time.sleep(1)
    assert published.exists()
    pages.shows("/assets/curated_tables?view=partitions", "2022-follow-up")


def test_table_page_shows_columns_rows_and_place(pages: Pages, place: Workplace) -> None:
    pages.shows("/assets/indicators", "Row count", "preview", str(place.out / "indicators"), picture="table")
