# Runs alembic for Runback. It is read from standard input; its only argument is
# an order in JSON, which holds no secret. It answers with one line of JSON on
# what was standard output, which nobody else gets to write to. When it fails,
# its last line on standard error says why, and its exit code how (see Kinds).
import sys

if sys.path and sys.path[0] == "":  # what the tool alembic does not see either
    del sys.path[0]

import ast
import hashlib
import io
import json
import os
import re
import signal
import threading
import time
import traceback
import warnings

# Kinds of failures that come before anything was changed. Once a revision began,
# every failure ends with 1: what became of it is for the database to say.
FAILED, WRONG, DIALECT, CONFLICT, BUSY, INVALID = 1, 41, 42, 43, 44, 45

ORDER = json.loads(sys.argv[1])
OFFLINE = False  # no connection is allowed
BEGUN = False  # the first revision began
OPEN = []  # connections, so that a signal can cancel what they wait for


class Refused(BaseException):
    """Not an Exception: what env.py catches must not swallow it."""

    def __init__(self, kind, text):
        super().__init__(text)
        self.kind = kind


class NotOffline(Exception):
    pass


def literal(text):
    return "'" + str(text).replace("'", "''") + "'"


def settings():
    out = dict(ORDER["settings"])
    left = ORDER["deadline"] - time.time() if ORDER["deadline"] else 0
    if ORDER["deadline"]:
        left = max(1, int(left * 1000))
        own = int(out.get("statement_timeout", "0"))
        out["statement_timeout"] = str(min(own, left) if own else left)
    return out
