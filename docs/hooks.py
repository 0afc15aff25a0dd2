"""Make the page of reference tables from the tables themselves."""

from crmkit.schema import TABLES, Table


def on_page_markdown(markdown: str, **_: object) -> str:
    """Replace the marker on the page by one Markdown table per reference table."""
    return markdown.replace("<!-- reference tables -->", "\n\n".join(_as_markdown(table) for table in TABLES))


def _as_markdown(table: Table) -> str:
    lines = [
        f"## {table.name.upper()}",
        f"{table.row[0].upper()}{table.row[1:]}.",
        "",
        "| column | kind | needed | unit | domain | meaning |",
        "|---|---|---|---|---|---|",
    ]
    for column in table.columns:
        needed = "yes" if column.required else ""
        cells = (f"`{column.name}`", column.kind, needed, column.unit, column.domain, column.meaning)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)
