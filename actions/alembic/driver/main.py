def say(line):
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        pass  # nobody reads it any more; what was begun goes on


def hidden(text):
    """A password file is ours to read; what it holds is for nobody else."""
    try:
        with open(os.environ["PGPASSFILE"], encoding="utf-8") as f:
            secret = re.sub(r"\\(.)", r"\1", f.readline().rstrip("\n")[len("*:*:*:*:"):])
    except (KeyError, OSError):
        return text
    return text.replace(secret, "[password]") if secret else text


def main():
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what env.py prints is for people
    warnings.simplefilter("ignore")
    try:
        from sqlalchemy import event
        from sqlalchemy.engine import Engine
        from sqlalchemy.pool import Pool
        import alembic.config
    except ImportError as e:
        say("runback: %s has no alembic: %s" % (sys.executable, e))
        return INVALID
    event.listen(Engine, "do_connect", before_connect)
    event.listen(Pool, "connect", prove, insert=True)
    watch_signals()
    try:
        text = json.dumps(look() if ORDER["mode"] == "look" else run())
        try:
            answer.write(text + "\n")
            answer.flush()
        except OSError:
            pass  # it is done, whoever knows
        return 0
    except Refused as e:
        kind, why = (FAILED if BEGUN else e.kind), str(e)
    except KeyboardInterrupt:
        kind, why = FAILED, "it was stopped"
    except BaseException as e:
        say(hidden(traceback.format_exc()))
        kind, why = FAILED, "%s: %s" % (type(e).__name__, first_line(e))
        if state_of(e):
            why += " (SQLSTATE %s)" % state_of(e)
    say(hidden("runback: " + why))
    return kind


code = main()
try:
    sys.stdout.flush()
    sys.stderr.flush()
except OSError:
    pass
os._exit(code)  # threads of env.py do not keep it
