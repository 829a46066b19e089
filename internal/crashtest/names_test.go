package crashtest

import "strings"

// names watches what one executor does to the names in the state folder.
//
// SQLite syncs the folder once for each file that it made, and ignores an error
// of it: for the journal that it needs to make a new database, and for its log.
// That does no harm while no event is acknowledged before a sync of the folder
// has succeeded that came after the last name was made or removed. The store
// sees to that with a sync of its own, which nobody may ignore.
type names struct {
	opened  map[string]string // by descriptor of the folder: the call that gave it
	loose   bool              // what the folder holds may not be durable
	ignored bool              // a sync by SQLite failed
}

// newNames takes nothing for durable: who made what is there may have died
// before the sync.
func newNames() *names { return &names{opened: map[string]string{}, loose: true} }

func (n *names) see(k call) {
	switch {
	case k.file == "state" && strings.HasPrefix(k.name, "open"):
		n.opened[k.result] = k.name
	case k.file == "state" && k.name == "fsync":
		fd, _, _ := strings.Cut(k.args, "<")
		switch {
		case !k.failed:
			n.loose = false
		case n.opened[fd] == "open": // SQLite's; the store, as all of Go, opens with openat
			n.ignored = true
		}
	case k.failed, strings.HasSuffix(k.file, "-shm"), !strings.HasPrefix(k.file, "runback.db"):
	case strings.HasPrefix(k.name, "open") && strings.Contains(k.args, "O_CREAT"), strings.HasPrefix(k.name, "unlink"):
		n.loose = true
	}
}
