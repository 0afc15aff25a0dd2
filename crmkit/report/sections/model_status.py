"""How the purchase process was chosen, and whether its fit is sound."""

from __future__ import annotations

from crmkit.purchases import PurchaseFit
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
    status = _status(edition, fit.status)
    said = words["trust_model"].format(name=fit.process.name, customers=edition.count(fit.customers), status=status)
    return (said, _choice(edition, fit))


def _choice(edition: Edition, fit: PurchaseFit) -> str:
    """Say why the process was chosen, by the scores of those that were compared."""
    words, name = edition.words("clv"), fit.process.name
    scores = {candidate.name: candidate.holdout_score for candidate in fit.compared}
    told = {"name": name, "many": edition.count(len(fit.compared))}
    if len(fit.compared) < 2:
        return words["choice_only"].format(name=name)
    score = scores.get(name)
    if score is None:
        bic = next((one.bic for one in fit.compared if one.name == name), None)
        return words["choice_bic"].format(bic=edition.count(None if bic is None else round(bic)), **told)
    known = {one: value for one, value in scores.items() if value is not None}
    best = max(known, key=lambda one: known[one])
    if best == name:
        return words["choice_best"].format(score=f"{score:.4f}", **told)
    return words["choice_near"].format(score=f"{score:.4f}", best=best, best_score=f"{known[best]:.4f}", **told)


def _status(edition: Edition, status: str) -> str:
    """Give a status in the language of the page, by how it begins."""
    words = edition.words("clv")
    codes = sorted((key.removeprefix("status_") for key in words if key.startswith("status_")), key=len, reverse=True)
    return next((words[f"status_{code}"] for code in codes if status.startswith(code)), status)


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
            edition.text_cell(_status(edition, candidate.status)),
        )
        for candidate in fit.compared
    )
    return (Sheet(name, words["models_title"], columns, rows, len(rows)),)
