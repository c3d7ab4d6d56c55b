"""Costs that must not grow: each curve measures one of them at several sizes, before and after, in one run."""
