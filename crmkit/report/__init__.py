"""Results to one self-contained HTML page: `render` makes the text, `write_report` the file."""

try:
    import jinja2  # noqa: F401 (the page imports it; here it is missed with words)
except ImportError as error:
    raise ImportError('The report needs jinja2, which is not installed: pip install "crmkit[report]".') from error

from crmkit.report.about import About
from crmkit.report.page import headlines, render, write_report
from crmkit.report.results import Results

__all__ = ["About", "Results", "headlines", "render", "write_report"]
