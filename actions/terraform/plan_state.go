package terraform

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
)

// stateIn reads from a saved plan which state it is for, without starting the
// program once more. The file is a zip with the state in it, of which the program
// says the serial and lineage that it compares at the apply (PlannedStateUpdate in
// terraform's internal/states/statemgr). That is an inner matter of the program:
// where it is otherwise (OpenTofu may encrypt it), or where there is no state yet,
// for which the file makes a lineage up, known is false and the back end is asked.
func stateIn(plan string) (snap snapshot, known bool) {
	z, err := zip.OpenReader(plan)
	if err != nil {
		return snapshot{}, false
	}
	defer func() { _ = z.Close() }()
	f, err := z.Open("tfstate")
	if err != nil {
		return snapshot{}, false
	}
	defer func() { _ = f.Close() }()
	snap, err = head(f)
	return snap, err == nil && snap.Serial > 0 && snap.Lineage != ""
}

// head reads of a state what stands before its resources: it may be large.
func head(r io.Reader) (snapshot, error) {
	var snap snapshot
	d := json.NewDecoder(r)
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return snap, errors.Join(err, errors.New("no state"))
	}
	for found := 0; found < 2; {
		key, err := d.Token()
		if err != nil || key == json.Delim('}') {
			return snap, errors.Join(err, errors.New("a state without serial or lineage"))
		}
		var into any = new(json.RawMessage)
		switch key {
		case "serial":
			into, found = &snap.Serial, found+1
		case "lineage":
			into, found = &snap.Lineage, found+1
		}
		if err := d.Decode(into); err != nil {
			return snap, err
		}
	}
	return snap, nil
}
