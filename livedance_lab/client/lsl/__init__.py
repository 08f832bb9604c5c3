"""A session on the lab's network, beside EEG, force plates and stimuli: Lab Streaming Layer (LSL).

::

    from livedance_lab.client.lsl import LslBridge

    with LslBridge(session, markers="PsychoPyMarkers") as bridge:
        session.wait(60)
    print(bridge)

or, in a terminal beside the server, ``livedance lsl --markers PsychoPyMarkers``. Needs the extra
``livedance-lab[lsl]``. LabRecorder and every other LSL program then find three streams:

====================  ========  ============================================================================
stream                type      channels
====================  ========  ============================================================================
livedance_pose        MoCap     33 landmarks × PositionX, PositionY, PositionZ (metres, smoothed world
                                landmarks: origin mid-hip, x right in the image, y down, z away from the
                                camera) and Confidence (visibility, 0 to 1)
livedance_angles      MoCap     the session's joint angles, smoothed, degrees
livedance_markers     Markers   the name of every mark of the session; its data stay in the session's log
====================  ========  ============================================================================

All have irregular rate, and each sample carries the **capture** time of its frame (the time of the mark) on
LSL's clock; what is unknown is NaN. With `markers`, the marker stream of that name becomes marks of the session,
at the marker's own time. A bridge is a viewer: it sees the newest result only, and counts those it did not see.
The session's log has all of them.
"""

from livedance_lab.client.lsl.bridge import LslBridge

__all__ = ["LslBridge"]
