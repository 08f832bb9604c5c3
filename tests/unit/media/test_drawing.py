import numpy as np
import pytest

from livedance_lab.errors import ImageError
from livedance_lab.media.drawing import VideoFile, draw_body
from livedance_lab.media.video import VideoSource
from livedance_lab.pose import Body
from livedance_lab.skeletons import BLAZEPOSE_33

GREY = np.full((240, 320, 3), 128, np.uint8)


def body(visibility=1.0) -> Body:
    keypoints = np.full((33, 3), np.nan, np.float32)
    for name, xy in (("left_shoulder", (100, 100)), ("left_elbow", (100, 160)), ("right_shoulder", (200, 100)),
                     ("right_elbow", (200, 160))):  # fmt: skip
        keypoints[BLAZEPOSE_33.index(name), :2] = xy
    return Body(keypoints_px=keypoints, visibility=np.full(33, visibility, np.float32))


def test_left_is_blue_right_is_orange_and_the_rest_untouched():
    drawn = draw_body(GREY, body())

    red, _, blue = drawn[130, 100].astype(int)
    assert blue > red + 50
    red, _, blue = drawn[130, 200].astype(int)
    assert red > blue + 50
    assert (drawn[200:] == 128).all()
    assert (GREY == 128).all()


def test_what_is_unseen_is_not_drawn():
    assert (draw_body(GREY, Body()) == GREY).all()
    assert (draw_body(GREY, body(visibility=0.2)) == GREY).all()


def test_a_video_file_keeps_count_rate_and_size(tmp_path):
    with VideoFile(tmp_path / "a.mp4", (320, 240), 25.0) as file:
        for value in (20, 120, 220):
            file.add(np.full((240, 320, 3), value, np.uint8))
        with pytest.raises(ImageError, match="images are"):
            file.add(np.zeros((10, 10, 3), np.uint8))

    with VideoSource(tmp_path / "a.mp4") as video:
        assert video.fps == 25
        assert [round(float(f.rgb.mean()), -1) for f in video] == pytest.approx([20, 120, 220], abs=5)


def test_a_video_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ImageError, match="cannot be written"):
        VideoFile(tmp_path / "gone" / "a.mp4", (320, 240), 25.0)
