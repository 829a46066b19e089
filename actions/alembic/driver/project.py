# The project as alembic sees it.
def digest(path):
    with open(path, "rb") as f:
        return hashlib.sha256(f.read()).hexdigest()


def project():
    from alembic.config import CommandLine, Config
    from alembic.script import ScriptDirectory

    if not os.path.isfile(ORDER["config"]):
        raise Refused(INVALID, "there is no file %s" % ORDER["config"])
    args = ["-c", ORDER["config"], "-n", ORDER["section"]]
    for x in ORDER["x"]:
        args += ["-x", x]
    # env.py may look at what the command line said, so it is what it would be.
    verb = ORDER["direction"] or "current"
    if ORDER["direction"]:
        args += [verb, "--", ORDER["to"] or "heads"]
    else:
        args += [verb]
    options = CommandLine(prog="alembic").parser.parse_args(args)
    config = Config(file_=ORDER["config"], ini_section=ORDER["section"], cmd_opts=options, stdout=sys.stderr)
    script = ScriptDirectory.from_config(config)
    try:
        script.revision_map.heads
    except KeyError as e:
        raise Refused(INVALID, "the file of revision %s is missing: another revision follows it" % e)
    return config, script


def environment(config, script, fn, **options):
    from alembic.runtime.environment import EnvironmentContext

    with EnvironmentContext(config, script, fn=fn, **options):
        script.run_env()


def files(config, script):
    return {"config": digest(config.config_file_name), "env": digest(os.path.join(script.dir, "env.py"))}


def known(script, revision):
    try:
        found = script.get_revision(revision)
    except Exception:
        return None
    return found if found is not None and found.revision == revision else None


def step_of(script, revision):
    from alembic.runtime.migration import MigrationStep

    make = MigrationStep.upgrade_from_script if ORDER["direction"] == "upgrade" else MigrationStep.downgrade_from_script
    return make(script.revision_map, script.get_revision(revision))
