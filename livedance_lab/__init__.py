"""livedance_lab: a person's pose, live, in JupyterLab; honest time, measured quality."""

__version__ = "0.1.0"
