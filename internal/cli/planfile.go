package cli

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/runbackhq/runback/executor"
	"github.com/runbackhq/runback/internal/journal"
)

// planFormat names the format of a saved plan.
const planFormat = "runback-plan/v1"

// planFile is a plan as it is saved, reviewed and approved. The hash is over
// the plan as it is written, so that no field can be changed unnoticed.
type planFile struct {
	Format    string             `json:"format"`
	Argument  string             `json:"argument"` // how the playbook was named
	Hash      string             `json:"hash"`
	Approvals []journal.Approval `json:"approvals,omitempty"`
	Plan      json.RawMessage    `json:"plan"`

	plan *executor.Plan
}

func newPlanFile(plan *executor.Plan, argument string) (*planFile, error) {
	raw, err := json.Marshal(plan)
	if err != nil {
		return nil, err
	}
	return &planFile{Format: planFormat, Argument: argument, Hash: planHash(argument, raw), Plan: raw, plan: plan}, nil
}

// planHash is over the compact form, so that a file that was only laid out
// anew stays the same plan.
func planHash(argument string, raw []byte) string {
	var compact bytes.Buffer
	if json.Compact(&compact, raw) != nil {
		return ""
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%d:%s,%s", planFormat, len(argument), argument, compact.Bytes())
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// readPlan reads a saved plan and proves that it is as it was made.
func readPlan(file string) (*planFile, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, &exitError{code: exitInvalid, hint: "make one with: runback plan NAME -o plan.json", err: err}
	}
	bad := func(why string) error {
		return &exitError{code: exitInvalid, hint: "make one with: runback plan NAME -o plan.json", err: fmt.Errorf("%s is no plan that can be run: %s", file, why)}
	}
	f := &planFile{plan: &executor.Plan{}}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(f); err != nil {
		return nil, bad(err.Error())
	}
	switch {
	case f.Format != planFormat:
		return nil, bad(fmt.Sprintf("its format is %q, this runback knows %q", f.Format, planFormat))
	case planHash(f.Argument, f.Plan) != f.Hash:
		return nil, bad("it was edited: its content does not have its hash")
	}
	if err := json.Unmarshal(f.Plan, f.plan); err != nil {
		return nil, bad(err.Error())
	}
	return f, nil
}

// write replaces the file as a whole, so that a reader never meets half of it.
func (f *planFile) write(file string) error {
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	bad := func(err error) error { return &exitError{code: exitUsage, hint: "name another file", err: err} }
	tmp, err := os.CreateTemp(filepath.Dir(file), ".plan-*")
	if err != nil {
		return bad(err)
	}
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return bad(errors.Join(err, os.Remove(tmp.Name())))
	}
	return nil
}

// mayWrite refuses a name that is no plan's, and a file that holds something
// else: a slip must not cost anybody a playbook.
func mayWrite(file string) error {
	if filepath.Ext(file) != ".json" {
		return usage("use -o table, -o json, or a file: -o plan.json", "a plan is saved in a file that ends in .json, not in "+file)
	}
	_, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if _, notPlan := readPlan(file); notPlan != nil {
		return usage("name another file", file+" is there and is no saved plan; it is not replaced")
	}
	return nil
}

// approved says who approved this very plan and may have, at a time.
func (f *planFile) approved(now time.Time) error {
	if !f.plan.Approve {
		return nil
	}
	why := "nobody has approved it"
	for _, a := range f.Approvals {
		switch {
		case a.Plan != f.Hash:
			why = fmt.Sprintf("the approval of %s is for another plan", a.By)
		case now.After(a.Expires):
			why = fmt.Sprintf("the approval of %s expired at %s", a.By, a.Expires.Local().Format(time.RFC3339))
		case f.plan.Guarded && a.By == f.plan.By:
			why = fmt.Sprintf("the target is protected, and %s may not approve a plan of their own", a.By)
		default:
			return nil
		}
	}
	return &exitError{code: exitRefused, hint: "have it reviewed, then: runback approve FILE", err: fmt.Errorf("plan %s may not be run: %s", shortDigest(f.Hash), why)}
}
