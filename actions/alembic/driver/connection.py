# Connections: each is proved before anything is done with it.
def before_connect(dialect, record, cargs, cparams):
    if OFFLINE:
        raise NotOffline("it connects to a database")
    if dialect.name != "postgresql":
        raise Refused(DIALECT, "env.py opens a database of the kind %s; only PostgreSQL is supported" % dialect.name)


def prove(connection, record):
    """Before anything is done with a connection: is this the database that the
    target names? Then what is asked of the session is set, whatever env.py
    passed to its driver; the name is what a resume finds the session by."""
    if OFFLINE:
        connection.close()
        raise NotOffline("it connects to a database")
    cursor = connection.cursor()
    try:
        cursor.execute("select system_identifier, current_database() from pg_control_system()")
        system, database = cursor.fetchone()
    except Exception as e:
        raise Refused(DIALECT, "what env.py connects to does not say who it is, as PostgreSQL does: %s" % first_line(e))
    if str(system) != ORDER["system"] or database != ORDER["database"]:
        raise Refused(WRONG, "env.py leads to database %s of the server with system identifier %s; the target is database %s of %s"
                      % (database, system, ORDER["database"], ORDER["system"]))
    for name, value in settings().items():
        # A setting that the server does not know is not there to be set.
        cursor.execute("select set_config(%s, %s, false) from pg_settings where name = %s" % (literal(name), literal(value), literal(name)))
        cursor.fetchall()
    cursor.close()
    connection.commit()
    OPEN.append(connection)


def watch_signals():
    """A driver of PostgreSQL waits in C, where Python sees no signal. Who ends
    it asks the server to cancel, so that the transaction is rolled back now."""
    r, w = os.pipe()
    os.set_blocking(w, False)
    signal.set_wakeup_fd(w, warn_on_full_buffer=False)

    def wait():
        while True:
            for number in os.read(r, 1):
                if number in (signal.SIGINT, signal.SIGTERM):
                    for connection in list(OPEN):
                        try:
                            connection.cancel()
                        except Exception:
                            pass

    def stop(number, frame):
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=wait, daemon=True).start()


def first_line(e):
    lines = str(getattr(e, "orig", None) or e).strip().splitlines()
    return lines[0] if lines else type(e).__name__


def state_of(e):
    """SQLSTATE, by which errors are told apart in every language."""
    orig = getattr(e, "orig", None) or e
    return getattr(orig, "pgcode", None) or getattr(orig, "sqlstate", None) or ""
