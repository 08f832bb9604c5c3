"""The picture that is replaced: no queue, and knowing whether anybody can see it."""

from __future__ import annotations

from livedance_lab.widgets.live_image import LiveImage
from tests.support.live_images import shown, view


def test_no_more_pictures_travel_than_the_browser_takes():
    image = LiveImage()
    for _ in range(2):
        assert image.may_send(10.0)
        image.show(b"a picture", 10.0)
    assert not image.may_send(10.1)
    shown(image, 1)
    assert image.may_send(10.1)


def test_a_browser_that_cannot_answer_gets_one_a_second():
    """A busy kernel does not hear the answers; the picture must not stand still for ever."""
    image = LiveImage()
    for t_s in (10.0, 10.1):
        image.show(b"a picture", t_s)
    assert not image.may_send(11.0)
    assert image.may_send(11.11)


def test_answers_for_pictures_that_were_passed_over_count():
    image = LiveImage()
    for _ in range(2):
        image.show(b"a picture", 10.0)
    shown(image, 2)
    image.show(b"a picture", 10.0)
    assert image.may_send(10.0)


def test_it_is_hidden_only_when_a_page_has_said_so():
    image = LiveImage()
    assert not image.hidden
    view(image, "a", visible=True)
    view(image, "b", visible=False)
    assert not image.hidden
    view(image, "a", visible=False)
    assert image.hidden


def test_a_change_of_the_page_is_passed_on_with_its_colours():
    image = LiveImage()
    heard = []
    image.on_change = lambda: heard.append(image.dark)
    view(image, "a", visible=True, dark=True)
    view(image, "a", visible=True, dark=False)
    assert heard == [True, False]


def test_the_browser_s_part_is_one_module():
    assert "export default" in LiveImage()._esm
