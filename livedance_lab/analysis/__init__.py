"""What is computed from landmarks: joint angles, smoothing, measures, what to paint. Pure: no I/O, no clock."""
