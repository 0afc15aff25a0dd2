"""Everything that crmkit raises on purpose."""


class CrmkitError(ValueError):
    """Root of all errors that crmkit raises on purpose."""


class SchemaError(CrmkitError):
    """A table does not hold what its reference table promises; the text names table, column, rows, what to do."""


class DomainError(CrmkitError):
    """An argument lies outside its domain; the text names the argument, the domain and the value."""


class FitError(CrmkitError):
    """A model can't be fitted to these data; the text says what the data lack."""
