package schema

// Criterion is one thing that must come true for the run to have succeeded: the
// steps may all be done and the errors go on.
type Criterion struct {
	Pos     Pos      `json:"-"`
	ID      string   `json:"id,omitempty" doc:"name by which it is called; made from the name when left out"`
	Name    string   `json:"name,omitempty" doc:"what must be true, for people"`
	UsesPos Pos      `json:"-"` // where uses was written
	Uses    string   `json:"uses" doc:"action that looks, as in: runback actions"`
	With    Tree     `json:"with,omitempty" doc:"inputs of the action"`
	That    Expr     `json:"that" doc:"what must come true of the outputs"`
	Within  Duration `json:"within" doc:"time in which it must come true and have held"`
	For     Duration `json:"for" default:"0s" doc:"how long it must stay true"`
	Every   Duration `json:"every" default:"5s" doc:"time between two looks"`
}

// Step gives the criterion as a step that looks until it is true.
func (c Criterion) Step() Step {
	return Step{
		Pos: c.Pos, ID: c.ID, Name: c.Name, UsesPos: c.UsesPos, Uses: c.Uses, With: c.With, Timeout: c.Within, OnFailure: "stop",
		Verify: &Verify{Until: c.That, Every: c.Every, For: c.For, Within: c.Within},
	}
}
