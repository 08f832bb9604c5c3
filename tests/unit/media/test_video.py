"""Video files: frames with their own times; an error for other files."""

from __future__ import annotations

import subprocess
import sys
from itertools import islice

import numpy as np
import pytest

from livedance_lab.errors import ImageError
from livedance_lab.media import images
from livedance_lab.media.video import VideoSource


def test_the_sample_clip(repository):
    with VideoSource(repository / "data" / "samples" / "dancer.mp4") as source:
        assert (source.fps, source.size_px, source.frame_count) == (60.0, (480, 640), 1020)
        assert not source.is_camera
        frames = list(islice(source, 5))
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    np.testing.assert_allclose([frame.t_s for frame in frames], np.arange(5) / 60, atol=1e-4)
    assert frames[0].rgb.shape == (640, 480, 3)
    assert frames[0].rgb.dtype == np.uint8


def test_all_frames_come_once(repository):
    with VideoSource(repository / "data" / "samples" / "dancer.mp4") as source:
        times = [frame.t_s for frame in source]
    assert len(times) == 1020
    assert (np.diff(times) > 0).all()


def test_colours_are_red_green_blue(tmp_path):
    cv2 = images.load_cv2()
    name = str(tmp_path / "red.avi")
    writer = cv2.VideoWriter(name, cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), (0, 0, 200), np.uint8))  # OpenCV's order: blue green red
    writer.release()

    with VideoSource(name) as source:
        frames = list(source)

    assert len(frames) == 3
    assert np.abs(frames[0].rgb.mean((0, 1)) - (200, 0, 0)).max() < 12
    np.testing.assert_allclose([frame.t_s for frame in frames], [0, 0.04, 0.08], atol=1e-6)


@pytest.mark.parametrize(
    ("source", "words"),
    [("nowhere.mp4", "no video file 'nowhere.mp4'"), (99, "camera 99 gives no image"), ("text.mp4", "is it a video")],
)
def test_what_is_no_video_says_so(source, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(ImageError, match=words) as caught:
        VideoSource(source)
    assert caught.value.code == "source"


@pytest.mark.process
@pytest.mark.parametrize("source", ["text.mp4", "99"])
def test_what_is_no_video_makes_no_noise(source, tmp_path):
    """In a process of its own, because OpenCV's libraries are silenced once, before their first file."""
    (tmp_path / "text.mp4").write_text("not a video")
    code = "import sys\nfrom livedance_lab.media.video import VideoSource, ImageError\n"
    code += "try: VideoSource(sys.argv[1])\nexcept ImageError: print('refused')"
    done = subprocess.run(
        [sys.executable, "-c", code, source], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.stdout, done.stderr) == ("refused\n", "")
