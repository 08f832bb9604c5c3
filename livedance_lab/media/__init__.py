"""Images, videos and cameras: decodes, encodes, reads and draws them. The only user of OpenCV."""
