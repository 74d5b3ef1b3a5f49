"""The report of a ward for its head nurse: what the ledger says of some days, as figures and as a page to print."""
