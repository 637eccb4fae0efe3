"""netberth beside its peers and the limit, in one run."""
