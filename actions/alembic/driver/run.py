# The revisions that were prepared, and no other.
def run():
    """The revisions that were prepared, and no other, when everything is still
    as it was then."""
    config, script = project()
    if files(config, script) != ORDER["files"]:
        raise Refused(CONFLICT, "%s or env.py is another one than when the step was prepared" % os.path.basename(ORDER["config"]))
    for item in ORDER["path"]:
        r = known(script, item["revision"])
        if r is None or digest(r.path) != item["sha256"]:
            raise Refused(CONFLICT, "the file of revision %s is another one than when the step was prepared" % item["revision"])
    calls = []

    def fn(heads, context):
        from sqlalchemy import text

        calls.append(1)
        if len(calls) > 1:
            raise Refused(INVALID, "env.py migrates more than once")
        dialect(context)
        ask = lambda sql: context.connection.execute(text(sql)).fetchone()
        system, database = ask("select system_identifier::text, current_database() from pg_control_system()")
        if system != ORDER["system"] or database != ORDER["database"]:
            raise Refused(WRONG, "env.py migrates database %s of the server with system identifier %s" % (database, system))
        # Of the session, not of the transaction: an autocommit block ends that.
        if not ask("select pg_try_advisory_lock(%d, %d)" % tuple(ORDER["lock"]))[0]:
            raise Refused(BUSY, "another migration of this database is at work")
        heads = sorted(context.get_current_heads())
        if heads != ORDER["from"]:
            raise Refused(CONFLICT, "the version is %s by now, expected was %s" % (", ".join(heads) or "base", ", ".join(ORDER["from"]) or "base"))
        for n, item in enumerate(ORDER["path"], 1):
            step = step_of(script, item["revision"])
            step.migration_fn = guarded(step.migration_fn, context, item)
            say("%s %s (%d of %d)" % (ORDER["direction"], item["revision"], n, len(ORDER["path"])))
            globals()["BEGUN"] = True
            yield step

    destination = tuple(ORDER["to_heads"]) or "base"
    environment(config, script, fn, destination_rev=destination if len(destination) != 1 else destination[0], starting_rev=None)
    if not calls:
        raise Refused(INVALID, "env.py ended without running migrations")
    return {"done": True}


def guarded(fn, context, item):
    """Nobody accepted a loss in what was empty when it was prepared. So it is
    locked, as the revision would do itself, and looked at once more."""

    def run(**kw):
        from sqlalchemy import text

        ask = lambda sql: context.connection.execute(text(sql.replace(":", "\\:")))  # no parameters
        for e in item["empty"]:
            if ask("select to_regclass(%s)" % literal(e["table"])).fetchone()[0] is None:
                continue
            ask("lock table %s in access exclusive mode" % e["table"])
            where = " where %s is not null" % e["column"] if e["column"] else ""
            if ask("select exists (select 1 from %s%s)" % (e["table"], where)).fetchone()[0]:
                raise RuntimeError("%s was empty when the step was prepared and holds data now" % e["what"])
        fn(**kw)

    run.__name__ = fn.__name__
    return run
