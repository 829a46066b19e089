package journal

// Status is how a step, a block or a run stands. The same words are used for
// all three.
type Status string

// The statuses. Running and Interrupted are not written by an event: they
// follow from the absence of one.
const (
	Running     Status = "running"
	Interrupted Status = "interrupted" // no end was written and the executor is gone

	Succeeded  Status = "succeeded"
	Skip       Status = "skipped"
	FailedRun  Status = "failed"
	Refused    Status = "refused" // a guard stopped it; of a run: nothing was changed
	Cancelled  Status = "cancelled"
	Aborted    Status = "aborted"  // stopped for good by a person; finally was done
	InDoubt    Status = "in_doubt" // whether it took effect cannot be known
	OverBudget Status = "budget_exceeded"
	Mitigated  Status = "mitigated" // it did what it should, and left obligations open
)

// Resumable says whether a run with this status may go on.
func (s Status) Resumable() bool {
	return s == Running || s == Interrupted || s == Cancelled || s == InDoubt
}
