"""How the purchase process was chosen, and whether its fit is sound."""

from __future__ import annotations

from crmkit.report.edition import Edition
from crmkit.report.section import Column, Sheet


def fitted(edition: Edition, judge: str) -> tuple[str, ...]:
    """Say which process a run has chosen by a judge, and why; nothing where the manifest does not know.

    Parameters
    ----------
    edition : Edition
    judge : {"orders", "chance"}
        What it was judged by.
    """
    fit, words = edition.results.fit(judge), edition.words("clv")
    if fit is None:
        return ()
    said = words["trust_model"].format(name=fit.process.name, customers=edition.count(fit.customers), status=fit.status)
    return (said, words["trust_choice"].format(choice=fit.choice))


def compared(edition: Edition, judge: str, name: str) -> tuple[Sheet, ...]:
    """Lay out the processes that were compared, the chosen one first; nothing where there was no choice."""
    fit, words = edition.results.fit(judge), edition.words("clv")
    if fit is None or len(fit.compared) < 2:
        return ()
    columns = (
        Column(words["model"], "text"),
        Column(words["holdout"]),
        Column(words["bic"]),
        Column(words["parameters"]),
        Column(words["fit_status"], "text"),
    )
    rows = tuple(
        (
            edition.text_cell(candidate.name),
            edition.score_cell(candidate.holdout_score),
            edition.count_cell(round(candidate.bic)),
            edition.count_cell(candidate.parameters),
            edition.text_cell(candidate.status),
        )
        for candidate in fit.compared
    )
    return (Sheet(name, words["models_title"], columns, rows, len(rows)),)
