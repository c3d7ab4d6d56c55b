"""No model of its own. Those with the label `ops` are in `worker` and `health`; their migrations are here.

Django makes content types and permissions of a label only if its app has this module.
"""
