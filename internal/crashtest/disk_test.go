package crashtest

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// disk is a model of what a power loss leaves: what was written and not synced
// may be there or not, block by block, and a name is durable only after its
// folder was synced. It is stricter than most file systems are.
type disk struct {
	folder *inode            // the state folder; its entries are the files
	files  map[string]*inode // as a process sees them now
	made   bool              // its own name was made durable by a sync of the folder above, or is from before
}

// inode is a file with what is durable of it and what is not yet.
type inode struct {
	data    []byte
	pending []change
	names   map[string]*inode // of a folder
	renames []naming
}

// change is a write, or a new length when there is no data.
type change struct {
	at   int64
	data []byte
}

// naming is an entry made or removed.
type naming struct {
	name string
	file *inode // nil: removed
}

func newDisk() *disk {
	return &disk{folder: &inode{names: map[string]*inode{}}, files: map[string]*inode{}}
}

// load takes what is in the folder as durable.
func (d *disk) load(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) {
		return nil
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		f := &inode{data: b}
		d.files[e.Name()], d.folder.names[e.Name()], d.made = f, f, true
	}
	return err
}

var tailPattern = regexp.MustCompile(`, (\d+), (\d+)$`)
var lengthPattern = regexp.MustCompile(`, (\d+)$`)

// apply does one call of the trace.
func (d *disk) apply(k call) {
	f := d.files[k.file]
	switch {
	case k.failed:
	case strings.HasPrefix(k.name, "open") && strings.Contains(k.args, "O_CREAT") && f == nil && strings.HasPrefix(k.file, "runback.db"):
		f = &inode{}
		d.files[k.file] = f
		d.folder.renames = append(d.folder.renames, naming{k.file, f})
	case k.name == "unlink" || k.name == "unlinkat":
		delete(d.files, k.file)
		d.folder.renames = append(d.folder.renames, naming{k.file, nil})
	case k.name == "fsync" || k.name == "fdatasync":
		d.sync(k.file, f)
	case k.name == "pwrite64" && f != nil:
		m := tailPattern.FindStringSubmatch(k.args)
		at, _ := strconv.ParseInt(m[2], 10, 64)
		f.pending = append(f.pending, change{at, unhex(textPattern.FindStringSubmatch(k.args)[1])})
	case k.name == "ftruncate" && f != nil:
		n, _ := strconv.ParseInt(lengthPattern.FindStringSubmatch(k.args)[1], 10, 64)
		f.pending = append(f.pending, change{n, nil})
	}
}

func (d *disk) sync(name string, f *inode) {
	switch {
	case name == "cell":
		d.made = true
	case name == "state":
		for _, n := range d.folder.renames {
			rename(d.folder.names, n)
		}
		d.folder.renames = nil
	case f != nil:
		for _, w := range f.pending {
			f.data = w.on(f.data)
		}
		f.pending = nil
	}
}

func rename(names map[string]*inode, n naming) {
	if n.file == nil {
		delete(names, n.name)
	} else {
		names[n.name] = n.file
	}
}

func (w change) on(data []byte) []byte {
	end := w.at + int64(len(w.data))
	if w.data == nil && int64(len(data)) > w.at {
		return data[:w.at:w.at]
	}
	if missing := end - int64(len(data)); missing > 0 {
		data = append(data, make([]byte, missing)...)
	}
	copy(data[w.at:], w.data)
	return data
}

const blockSize = 4096

// blocks cuts a write where blocks of the disk begin.
func (w change) blocks() []change {
	if w.data == nil {
		return []change{w}
	}
	var out []change
	for at, data := w.at, w.data; len(data) > 0; {
		n := min(int64(len(data)), blockSize-at%blockSize)
		out = append(out, change{at, data[:n]})
		at, data = at+n, data[n:]
	}
	return out
}

// image is what is left when the power goes now and each block, and each name,
// that was not made durable is kept with the probability p.
func (d *disk) image(p float64, random *rand.Rand) map[string][]byte {
	keep := func() bool { return p >= 1 || p > 0 && random.Float64() < p }
	out := map[string][]byte{}
	if !d.made && !keep() {
		return out
	}
	names := maps.Clone(d.folder.names)
	for _, n := range d.folder.renames {
		if keep() {
			rename(names, n)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		data := slices.Clone(names[name].data)
		for _, w := range names[name].pending {
			for _, b := range w.blocks() {
				if keep() {
					data = b.on(data)
				}
			}
		}
		out[name] = data
	}
	return out
}

// put writes an image into a folder.
func put(image map[string][]byte, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for name, data := range image {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
