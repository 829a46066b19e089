# From what the playbook says to revisions.
class Ambiguous(Exception):
    pass


def ancestors(script, revisions):
    found, todo = set(), [script.get_revision(r) for r in revisions]
    while todo:
        r = todo.pop()
        if r is not None and r.revision not in found:
            found.add(r.revision)
            todo += [script.get_revision(d) for d in r._all_down_revisions]
    return found


def name_of(script, head):
    labels = sorted(script.get_revision(head).branch_labels)
    return labels[0] if labels else head


def resolve(script, heads):
    """The revisions to run, in order, and the heads after each."""
    from alembic.runtime.migration import HeadMaintainer
    from alembic.util import CommandError

    down, to = ORDER["direction"] == "downgrade", ORDER["to"]
    if re.match(r"^[+-]\d+$", to) and len(heads) > 1:
        raise Ambiguous("%s is ambiguous: the database has %d heads; write one of %s"
                        % (to, len(heads), ", ".join(name_of(script, h) + "@" + to for h in heads)))
    try:
        if ORDER["heads"] and down:
            path = without(script, heads, [h for h in ORDER["heads"] if h != "base"])
        elif down:
            path = [s.revision.revision for s in script._downgrade_revs(to, tuple(heads))]
        else:
            path = [s.revision.revision for s in script._upgrade_revs(tuple(ORDER["heads"]) or to, tuple(heads))]
    except (CommandError, AssertionError, AttributeError) as e:
        parents = script.get_revision(heads[0])._versioned_down_revisions if len(heads) == 1 else ()
        if "mbiguous" in str(e) and len(parents) > 1:
            raise Ambiguous("%s is ambiguous: revision %s joins several branches; write one of %s, which takes only the join back"
                            % (to, heads[0], ", ".join(parents)))
        raise Ambiguous("%s to %s: %s" % (ORDER["direction"], to or ", ".join(ORDER["heads"]), first_line(e)))
    moved = [h for h in heads if h in path]
    if down and to and to != "base" and len(moved) > 1:
        raise Ambiguous("%s lies below a branching and would take %d branches back (%s); take them back one by one, like %s@%s"
                        % (to, len(moved), ", ".join(moved), name_of(script, moved[0]), to.split("@")[-1]))

    class Tracker(HeadMaintainer):
        def _insert_version(self, version):
            self.heads.add(version)

        def _delete_version(self, version):
            self.heads.remove(version)

        def _update_version(self, from_, to_):
            self.heads.remove(from_)
            self.heads.add(to_)

    tracker, out = Tracker(None, heads), []
    for revision in path:
        tracker.update_to_step(step_of(script, revision))
        out.append(describe(script, revision, sorted(tracker.heads)))
    return out, sorted(tracker.heads)


def without(script, heads, wanted):
    active = ancestors(script, heads)
    full = []
    for w in wanted:
        r = script.get_revision(w)
        if r.revision not in active:
            raise Ambiguous("%s is not among the revisions of the database" % w)
        full.append(r.revision)
    drop, path = active - ancestors(script, full), []
    while drop:
        needed = set(d for r in drop for d in script.get_revision(r)._all_down_revisions)
        path += sorted(drop - needed)
        drop &= needed
    return path
