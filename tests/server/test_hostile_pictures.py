"""Images over a real socket: hostile ones end as `rejected`, rotated ones give upright landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from livedance_lab.clock import now_s
from livedance_lab.estimators.base import Estimate, ImageArray, register
from livedance_lab.settings import Settings
from livedance_lab.wire.frames import FrameHeader, encode_frame
from tests.support import pictures
from tests.support.pipeline import LANDMARKS
from tests.support.servers import Raw, Served, serve

ONE_LANE = Settings(hands=False)
WIDTH, HEIGHT = pictures.WIDTH, pictures.HEIGHT


class RedEstimator:
    """Places every landmark in the middle of the red pixels; it does not know how the image was stored."""

    def estimate(self, image_rgb: ImageArray, t_ms: int) -> Estimate:
        y, x = np.nonzero((image_rgb[..., 0] > 150) & (image_rgb[..., 1] < 100))
        middle = [x.mean() / image_rgb.shape[1], y.mean() / image_rgb.shape[0], 0.0]
        sure = np.ones(33, np.float32)
        return Estimate(np.full((33, 3), middle, np.float32), np.zeros((33, 3), np.float32), sure, sure)

    def close(self) -> None:
        pass


register("red", lambda kind, settings: RedEstimator())


async def show(raw: Raw, image: bytes, source_size_px: tuple[int, int] = (0, 0)) -> int:
    """Send an image and the size of the camera image; return the frame's number."""
    seq, t_s = raw.next_seq, now_s()
    raw.next_seq += 1
    await raw.say(encode_frame(FrameHeader(seq, source_size_px, t_s, t_s), image))
    return seq


def test_each_hostile_picture_ends_rejected_and_the_session_goes_on(caplog):
    cases = pictures.hostile()

    async def work(served: Served) -> None:
        async with served.producer() as raw:
            for case in cases:
                answer = await raw.hear("refused", seq=await show(raw, case.image))
                assert (answer["state"], answer["code"]) == ("rejected", case.code), case.name
                assert (await raw.result(LANDMARKS))["people"], case.name
            ledger = await raw.end()
        assert ledger["conserved"]
        assert ledger["states"]["rejected"] == ledger["states"]["processed"] == len(cases)

    serve(work, settings=ONE_LANE)
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_each_unusual_honest_picture_gives_a_result():
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            for case in pictures.usual():
                if not case.grey:  # without red pixels this estimator detects nobody
                    result = await raw.hear("result", seq=await show(raw, case.image))
                    assert result["size_px"] == [WIDTH, HEIGHT], case.name
                    assert result["people"][0]["keypoints_px"][0][:2] == pytest.approx(
                        [WIDTH / 4, HEIGHT / 4], abs=1.5
                    ), case.name
            assert (await raw.end())["conserved"]

    serve(work, estimator="red", settings=ONE_LANE)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_landmarks_are_pixels_of_the_upright_picture_however_the_phone_was_held(form):
    """The camera size in the header is missing, as stored, or as displayed."""
    upright = pictures.quarters()

    async def work(served: Served) -> None:
        async with served.producer() as raw:
            for orientation, stored_as in pictures.STORED_AS.items():
                image = pictures.turned(form, orientation, upright)
                height, width = stored_as(upright).shape[:2]
                for factor, said in ((1, (0, 0)), (10, (10 * width, 10 * height)), (10, (10 * WIDTH, 10 * HEIGHT))):
                    result = await raw.hear("result", seq=await show(raw, image, said))
                    assert result["size_px"] == [factor * WIDTH, factor * HEIGHT], (orientation, said)
                    middle = [factor * WIDTH / 4, factor * HEIGHT / 4]
                    assert result["people"][0]["keypoints_px"][0][:2] == pytest.approx(middle, abs=1.5 * factor)
            assert (await raw.end())["conserved"]

    serve(work, estimator="red", settings=ONE_LANE)


@pytest.mark.parametrize("said", [(0, 480), (640, 0)])
def test_half_a_size_is_refused(said):
    async def work(served: Served) -> None:
        async with served.producer() as raw:
            answer = await raw.hear("refused", seq=await show(raw, LANDMARKS, said))
            assert (answer["state"], answer["code"]) == ("rejected", "size")
            assert f"{said[0]} x {said[1]}" in answer["message"]
            await raw.result(LANDMARKS)
            assert (await raw.end())["conserved"]

    serve(work)


def test_a_camera_of_another_size_than_the_picture_is_the_range_of_the_landmarks():
    """Clients scale images down before they send them; landmarks are pixels of the camera image they report."""

    async def work(served: Served) -> None:
        async with served.producer() as raw:
            seq = await show(raw, pictures.encoded("PNG"), (65_535, 65_535))
            result = await raw.hear("result", seq=seq)
            assert result["size_px"] == [65_535, 65_535]
            assert result["people"][0]["keypoints_px"][0][:2] == pytest.approx([65_535 / 4, 65_535 / 4], rel=0.05)

    serve(work, estimator="red", settings=ONE_LANE)
