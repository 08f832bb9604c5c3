import numpy as np
import pytest

from livedance_lab.media.images import decode_rgb, encode_png
from livedance_lab.pose import Body, Frame
from livedance_lab.session_data.recording.face_blur import blur_faces


def body_with_face(centre, across) -> Body:
    keypoints = np.full((33, 3), np.nan, np.float32)
    angle = np.linspace(0, 2 * np.pi, 11)
    keypoints[:11, :2] = np.array(centre) + across / 2 * np.stack([np.cos(angle), np.sin(angle)], 1)
    return Body(keypoints_px=keypoints)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (240, 320, 3), dtype=np.uint8)


def detail(pixels) -> float:
    """Median difference of neighbouring pixels: 0 within flat cells, large in noise."""
    return float(np.median(np.abs(np.diff(pixels.astype(float), axis=1))))


def test_the_head_becomes_flat_cells_and_the_rest_stays(noise):
    frame = Frame(0, encode_png(noise), (640, 480))  # sent at half its size

    hidden = decode_rgb(blur_faces(frame, [body_with_face((320, 200), 60)]))

    assert detail(hidden[100 - 30 : 100 + 30, 160 - 30 : 160 + 30]) <= 3
    assert detail(hidden[:40]) > 30
    assert detail(hidden[:, :100]) > 30


def test_a_head_half_out_of_the_picture_is_hidden_too(noise):
    hidden = decode_rgb(blur_faces(Frame(0, encode_png(noise), (320, 240)), [body_with_face((5, 5), 40)]))

    assert detail(hidden[:45, :45]) <= 3
    assert detail(hidden[100:]) > 30


def test_a_picture_whose_face_is_unknown_is_not_to_be_stored(noise):
    frame = Frame(0, encode_png(noise), (320, 240))
    one_ear_missing = body_with_face((100, 100), 40)
    one_ear_missing.keypoints_px[7] = np.nan

    assert blur_faces(frame, []) is None
    assert blur_faces(frame, [Body()]) is None
    assert blur_faces(frame, [one_ear_missing]) is None
    assert blur_faces(frame, [body_with_face((200, 100), 40), one_ear_missing]) is None  # one of two is not enough


def test_the_faces_of_several_people_are_hidden(noise):
    people = [body_with_face((60, 60), 30), body_with_face((240, 150), 30)]
    hidden = decode_rgb(blur_faces(Frame(0, encode_png(noise), (320, 240)), people))

    assert detail(hidden[45:75, 45:75]) <= 3
    assert detail(hidden[135:165, 225:255]) <= 3
    assert detail(hidden[190:]) > 30
