"""Everything that crmkit raises on purpose."""


class CrmkitError(ValueError):
    """Root of all errors that crmkit raises on purpose."""


class SchemaError(CrmkitError):
    """A table does not hold what its reference table promises; the text names table, column, rows, what to do."""


class DomainError(CrmkitError):
    """An argument lies outside its domain; the text names the argument, the domain and the value."""


class FitError(CrmkitError):
    """A model can't be fitted to these data; the text says what the data lack."""


class ConfigError(DomainError):
    """A config of a batch run is not as it should be; the text names file, key, what was got, what was expected."""


class UnreachableError(CrmkitError):
    """A source can't be read, or a target can't be written; the text names it and what the system said."""
