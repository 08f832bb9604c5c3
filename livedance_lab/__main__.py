"""``python -m livedance_lab`` is the ``livedance`` command."""

from livedance_lab.cli import main

main()
