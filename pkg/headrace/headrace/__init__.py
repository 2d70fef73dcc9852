"""headrace runs, checks and explains GitHub Actions pipelines, unmodified, without Docker."""

__version__ = "0.1.0"
