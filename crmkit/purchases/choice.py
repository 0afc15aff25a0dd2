"""Which of the fitted processes to take, and the sentence that says why."""

from __future__ import annotations

from dataclasses import replace

from crmkit.purchases.holdout import Holdout
from crmkit.purchases.processes import Candidate, Process

# Differences of fewer standard errors are chance one time in twenty.
_ERRORS = 2.0
_Fits = list[tuple[Process, Candidate]]


def chosen(fits: _Fits, held: Holdout | str) -> tuple[Process, tuple[Candidate, ...], str]:
    """Choose among fits to one log.

    Parameters
    ----------
    fits : list of (process, candidate)
    held : Holdout or str
        Their scores in a holdout, or why there are none.

    Returns
    -------
    process, candidates with their scores, sentence
        Candidates by holdout score, the best first, or else by BIC. Two fits that came out the same stand once.
    """
    scores = {} if isinstance(held, str) else held.scores
    known = [(process, replace(c, holdout_score=scores.get(c.model))) for process, c in fits]
    different = list({candidate.name: (process, candidate) for process, candidate in reversed(known)}.values())
    if len(fits) == 1:
        return different[0][0], (different[0][1],), _only(different[0][1])
    settled = [pair for pair in different if not pair[1].status.startswith("not converged")] or different
    scored = [pair for pair in settled if pair[1].holdout_score is not None]
    if isinstance(held, Holdout) and scored:
        process, sentence = _by_holdout(scored, held, len(different))
        ranked = sorted((c for _, c in different), key=lambda c: (-(c.holdout_score or -float("inf")), c.bic))
    else:
        why = held if isinstance(held, str) else "no process could be fitted to the past"
        process, sentence = _by_bic(settled, why, len(different))
        ranked = sorted((c for _, c in different), key=lambda c: c.bic)
    return process, tuple(ranked), sentence


def _only(candidate: Candidate) -> str:
    if candidate.status.startswith("nothing identified"):
        return f"{candidate.name}; no customer has bought twice, so no process can be told from another."
    return f"{candidate.name} was asked for; log-likelihood {candidate.log_likelihood:.1f}."


def _by_holdout(scored: _Fits, held: Holdout, many: int) -> tuple[Process, str]:
    """Of those that the holdout does not tell from the best take the smallest BIC."""
    best, *others = sorted((candidate for _, candidate in scored), key=lambda c: -held.scores[c.model])
    behind = {candidate.model: held.behind(candidate.model, best.model) for _, candidate in scored}
    near = [pair for pair in scored if behind[pair[1].model][0] <= _ERRORS * behind[pair[1].model][1]]
    process, taken = min(near, key=lambda pair: pair[1].bic)
    measure = "mean log score" if held.judge == "chance" else "score of orders (minus the relative squared errors)"
    said = (
        f"{taken.name} was chosen among {many} processes by a rolling holdout (2 cuts, {held.horizon_days} days each, "
        f"{held.customers} customers): its {measure} of {held.scores[taken.model]:.4f}"
    )
    if taken.model != best.model:
        return process, (
            f"{said} is within two standard errors ({behind[taken.model][1]:.4f} each) of the best, {best.name} "
            f"({held.scores[best.model]:.4f}), and its BIC is the smallest of these."
        )
    if not others:
        return process, f"{said} is the only one."
    distance, error = behind[others[0].model]
    return process, f"{said} is the best, {distance:.4f} (standard error {error:.4f}) ahead of {others[0].name}."


def _by_bic(settled: _Fits, why: str, many: int) -> tuple[Process, str]:
    ranked = sorted(settled, key=lambda pair: pair[1].bic)
    process, best = ranked[0]
    said = f"{best.name} was chosen among {many} processes by BIC, as {why}"
    if len(ranked) == 1:
        return process, f"{said}: the only fit that converged."
    second = ranked[1][1]
    ahead = second.bic - best.bic
    doubt = " The two are close: forecasts of both are worth comparing." if ahead < 2.0 else ""
    return process, f"{said}: its {best.bic:.1f} is the smallest, {ahead:.1f} ahead of {second.name}.{doubt}"
