import orjson
import pytest
from typer.testing import CliRunner

from livedance_lab.session_data.recording.overview import recording_overview
from livedance_lab.session_data.recording.reader import Recording
from livedance_lab.session_data.recording.writer import RecordingWriter
from livedance_lab.session_data.schema import Schemas
from tests.support import recorded_session, two_people


@pytest.fixture
def folder(tmp_path):
    writer = RecordingWriter(tmp_path / "a", recorded_session.schemas(), recorded_session.manifest())
    for table, batch in recorded_session.batches(seconds=3):
        writer.write(table, batch)
    writer.close()
    return tmp_path / "a"


def run(*arguments):
    from importlib import import_module

    import typer

    app = typer.Typer()
    for name in ("info", "export"):
        app.command(name)(getattr(import_module(f"livedance_lab.cli.{name}"), name))
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_numbers_of_a_recording(folder):
    about = recording_overview(Recording.open(folder))

    assert about["complete"]
    assert about["duration_s"] == pytest.approx(3, abs=0.01)
    assert about["captured_per_s"] == pytest.approx(30, rel=0.01)
    assert about["results_per_s"] == pytest.approx(30 * (1 - about["ledger"]["dropped_share"]), rel=0.05)
    assert about["age_ms"]["p50"] == pytest.approx(35)
    assert about["marks"] == [{"at_s": 0.5, "name": "trial 1 start", "data": {"trial": 1}}]
    assert about["settings_changes"][0]["data"]["settings"] == {"complexity": 1}
    assert about["clock"]["offset_s"] == 12.5
    assert about["started_utc"] == "2025-10-09T09:10:00.250+00:00"


def test_info_shows_them(folder):
    shown = run("info", folder)

    assert shown.exit_code == 0, shown.output
    for words in ("complete", "91 frames captured, all accounted for", "trial 1 start", "± 1.00 ms"):
        assert words in shown.output
    assert orjson.loads(run("info", folder, "--json").output)["ledger"]["captured"] == 91


def test_info_says_what_is_missing(folder):
    (folder / "receipts.0000.arrows").unlink()

    shown = run("info", folder).output

    assert "missing: receipts: the whole table is missing." in shown
    assert "was closed" not in shown


def test_an_empty_recording_has_no_numbers_and_no_error(tmp_path):
    RecordingWriter(tmp_path / "a", recorded_session.schemas(), {}).close()

    shown = run("info", tmp_path / "a")

    assert shown.exit_code == 0, shown.output
    assert "unknown" in shown.output
    assert "0 frames captured" in shown.output


def test_export_gives_each_format_its_options(folder, tmp_path):
    out = tmp_path / "out"

    ran = run("export", folder, "--to", "csv", "--to", "mot", "--fill", "linear", "--out", out)

    assert ran.exit_code == 0, ran.output
    manifest = orjson.loads((out / "manifest.json").read_bytes())
    assert manifest["exports"]["mot"]["options"]["fill"] == "linear"
    assert (out / "frames.csv").exists()
    refused = run("export", folder, "--to", "csv", "--fill", "linear", "--out", out)
    assert "csv takes no option 'fill'" in str(refused.exception)


@pytest.fixture
def folder_of_two(tmp_path):
    data = two_people.session()
    of_session = {name: text for name, text in data.metadata.items() if name != "angle_names"}
    writer = RecordingWriter(tmp_path / "two", Schemas(data.angle_names, of_session), {})
    for table, rows in data.tables.items():
        for batch in rows.to_batches():
            writer.write(table, batch)
    writer.close()
    return tmp_path / "two"


def test_numbers_of_two_people_count_frames(folder_of_two):
    about = recording_overview(Recording.open(folder_of_two))

    processed = two_people.N_FRAMES - len(two_people.LOST)
    assert about["found_share"] == pytest.approx(1 - len(two_people.NOBODY) / processed)
    assert about["results_per_s"] == pytest.approx((processed - 1) / about["duration_s"])


def test_exports_name_people(folder_of_two, tmp_path):
    ran = run("export", folder_of_two, "--to", "dlc-csv", "--people", "1=Ana, 2=Ben B", "--out", tmp_path / "out")

    assert ran.exit_code == 0, ran.output
    individuals = (tmp_path / "out" / "duet_dlc.csv").read_text().splitlines()[1].split(",")
    assert sorted(set(individuals)) == ["Ana", "Ben B", "individuals"]
    for people, words in (("1", "must look like 1=Ana,2=Ben"), ("x=Ana", "must look like"), ("3=Eve", "no person 3")):
        refused = run("export", folder_of_two, "--to", "csv", "--people", people, "--out", tmp_path / "out")
        assert words in str(refused.exception)


def test_formats_are_listed():
    listed = run("export", "--formats").output

    assert "motion-bids" in listed
    assert "livedance-lab[nwb]" in listed
