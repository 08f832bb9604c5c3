"""Lab Streaming Layer (LSL): a session's pose, angles and markers for other programs on the lab's network.

::

    from livedance_lab.client.lsl import LslBridge

    with LslBridge(session, markers="PsychoPyMarkers") as bridge:
        session.wait(60)
    print(bridge)

or, in a terminal on the server's machine, ``livedance lsl --markers PsychoPyMarkers``. Both need the extra
``livedance-lab[lsl]``. LabRecorder and every other LSL program then find three streams:

====================  ========  ============================================================================
stream                type      channels
====================  ========  ============================================================================
livedance_pose        MoCap     33 landmarks × PositionX, PositionY, PositionZ (metres, smoothed world
                                landmarks: origin mid-hip, x right in the image, y down, z away from the
                                camera) and Confidence (visibility, 0 to 1)
livedance_angles      MoCap     the session's joint angles, smoothed, degrees
livedance_markers     Markers   the name of every mark of the session; its data are only in the session's log
====================  ========  ============================================================================

All have an irregular rate, and the time of each sample is the **capture** time of its frame (or the time of the
mark) on LSL's clock; unknown values are NaN. With `markers`, the markers of the stream of that name become marks of
the session, at their own times. A bridge is a viewer: it receives only the newest result, and counts those it did not
receive. The session's log has all of them.
"""

from livedance_lab.client.lsl.bridge import LslBridge

__all__ = ["LslBridge"]
