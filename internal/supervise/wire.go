package supervise

import (
	"encoding/json"
	"io"
)

// errand is a Spec on its way to the supervisor. Paths, arguments and variables
// may hold any bytes, and JSON would make something else of those that are no
// text, so they go as bytes.
type errand struct {
	Spec
	Dir, Program, WorkDir []byte
	Args, Env             [][]byte
}

func sendSpec(w io.Writer, s Spec) error {
	return json.NewEncoder(w).Encode(errand{s, []byte(s.Dir), []byte(s.Program), []byte(s.WorkDir), raw(s.Args), raw(s.Env)})
}

func receiveSpec(r io.Reader) (Spec, error) {
	var e errand
	if err := json.NewDecoder(r).Decode(&e); err != nil {
		return Spec{}, err
	}
	s := e.Spec
	s.Dir, s.Program, s.WorkDir = string(e.Dir), string(e.Program), string(e.WorkDir)
	s.Args, s.Env = text(e.Args), text(e.Env)
	return s, nil
}

func raw(list []string) [][]byte {
	out := make([][]byte, len(list))
	for i, s := range list {
		out[i] = []byte(s)
	}
	return out
}

func text(list [][]byte) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = string(b)
	}
	return out
}
