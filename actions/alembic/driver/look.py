# What can be known without changing anything.
def look_at(facts):
    """What alembic sees through env.py, on a session that cannot write."""

    def fn(heads, context):
        from sqlalchemy import text

        if "heads" in facts:
            raise Refused(INVALID, "env.py migrates more than once; only projects with one version table are supported")
        dialect(context)
        ask = lambda sql, **values: context.connection.execute(text(sql), values).fetchone()
        # Before any question of ours: a question may begin a transaction.
        per_revision = bool(getattr(context, "_transaction_per_migration", False))
        external = bool(getattr(context, "_in_external_transaction", False))
        inside = bool(context.connection.in_transaction())
        # Of one transaction, now() is one; drivers say autocommit each in its own way.
        if ask("select now()")[0] != ask("select now()")[0]:
            facts["transaction"] = "statement"
        elif external or inside and not per_revision:
            facts["transaction"] = "path"
        else:
            facts["transaction"] = "revision" if per_revision else "statement"
        quote = context.dialect.identifier_preparer.quote_identifier
        name = ".".join(quote(n) for n in (context.version_table_schema, context.version_table) if n)
        found = ask("select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass(:name)", name=name)
        schema, user, path = ask("select current_schema(), session_user, current_schemas(false)")
        facts["table"] = {"schema": found[0] if found else context.version_table_schema or schema or "", "name": context.version_table}
        facts["user"] = user
        facts["search_path"] = list(path)
        facts["driver"] = context.dialect.driver
        facts["heads"] = sorted(heads)
        return []

    return fn


def dialect(context):
    if context.dialect.name != "postgresql":
        raise Refused(DIALECT, "env.py migrates a database of the kind %s; only PostgreSQL is supported" % context.dialect.name)


def look():
    import alembic
    import sqlalchemy

    config, script = project()
    facts = {"versions": {"alembic": alembic.__version__, "sqlalchemy": sqlalchemy.__version__, "python": "%d.%d.%d" % sys.version_info[:3]}}
    try:
        # dont_mutate: without it alembic makes the version table.
        environment(config, script, look_at(facts), dont_mutate=True)
    except Exception as e:
        if state_of(e) == "25006":
            raise Refused(INVALID, "env.py writes to the database as soon as it connects, so it cannot be looked at without a change: %s" % first_line(e))
        raise
    if "heads" not in facts:
        raise Refused(INVALID, "env.py ended without running migrations")
    heads = facts["heads"]
    facts["files"] = files(config, script)
    facts["code_heads"] = sorted(script.get_heads())
    facts["unknown"] = [h for h in heads if known(script, h) is None]
    facts["revisions"] = len(list(script.walk_revisions()))
    facts["behind"] = None
    if not facts["unknown"]:
        facts["behind"] = len(set(r.revision for r in script.walk_revisions()) - ancestors(script, heads))
    if ORDER["direction"]:
        facts["path"], facts["target"] = [], heads
        try:
            if not facts["unknown"]:
                facts["path"], facts["target"] = resolve(script, heads)
                render(config, script, heads, facts)
        except Ambiguous as e:
            facts["problem"] = str(e)
    return facts
