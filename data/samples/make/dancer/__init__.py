"""Dancers computed from CC0 parts, and the exact places of their joints.

The path of one frame, in the order of the modules::

    first_dance, second_dance   what a dancer does at a time (anatomical controls)
    stage, group_dances         the same for several dancers, who walk all over the floor
    rig                         controls -> bone transforms (inverse kinematics)
    body, clothes, skin, figure the skinned mesh that the bones move
    renderer                    the picture (lights, kernels and shading do the work)
    clip                        motion blur, sensor noise, PNG frames, MP4
    landmarks, tables           where the joints are, and the files that say so

Axes unless said otherwise: metres, x = the dancer's left at heading 0 (right in the picture),
y = up, z = towards the camera, ground at y = 0.  Joint names, left and right are the dancer's.
"""
