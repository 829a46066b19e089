# What a revision would do, as far as its file tells.
def describe(script, revision, after):
    r = script.get_revision(revision)
    text = open(r.path, encoding="utf-8").read()
    bodies = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef):
            bodies[node.name] = [s for s in node.body if not isinstance(s, ast.Pass) and not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    empty = lambda name: name in bodies and not bodies[name]
    raises = next((s for s in bodies.get(ORDER["direction"], []) if isinstance(s, ast.Raise)), None)
    return {
        "revision": revision, "after": after, "doc": (r.doc or "").strip(), "path": r.path, "sha256": digest(r.path),
        # A revision that does nothing upwards, a merge for one, does nothing downwards.
        "noop": ORDER["direction"] == "downgrade" and empty("downgrade") and not empty("upgrade"),
        "raises": ast.get_source_segment(text, raises) if raises is not None else "",
        # Whatever commits in the middle: what comes before it cannot be rolled back.
        "breaks": bool(re.search(r"autocommit|\bcommit\b|isolation_level|concurrently", text, re.I)),
        "sql": None, "opaque": "",
    }


def render(config, script, heads, facts):
    """The SQL of each revision, as alembic writes it with --sql. What depends on
    data in the database cannot be rendered, and is said to be opaque."""
    global OFFLINE
    buffer = config.output_buffer = io.StringIO()
    path = facts["path"]

    def fn(heads, context):
        dialect(context)
        blocks = context.autocommit_block
        for item in path:
            def block(item=item):
                item["breaks"] = True
                return blocks()

            context.autocommit_block = block
            step = step_of(script, item["revision"])
            step.migration_fn = caught(step.migration_fn, item)
            mark = buffer.tell()
            yield step
            item["sql"] = buffer.getvalue()[mark:]

    OFFLINE = True
    try:
        if path:
            environment(config, script, fn, as_sql=True, starting_rev=tuple(heads) or "base", destination_rev=tuple(facts["target"]) or "base")
    except Exception as e:
        for item in path:
            item["opaque"] = item["opaque"] or "env.py cannot write SQL: %s" % first_line(e)
    finally:
        OFFLINE = False
    for item in path:
        if item["sql"] is None and not item["opaque"]:
            item["opaque"] = "alembic wrote no SQL"


def caught(fn, item):
    def run(**kw):
        try:
            fn(**kw)
        except Exception as e:
            item["opaque"] = "it needs the database: %s: %s" % (type(e).__name__, first_line(e))

    run.__name__ = fn.__name__
    return run
