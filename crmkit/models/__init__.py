"""What the mathematics says: arrays in, arrays or a frozen fit out; no data frame, no column name."""
