// Package actions is the contract that every step type meets.
//
// An action is a value: a Def with a name, its effect and up to five
// functions. It knows nothing of dry-run, retry, resume, deadlines or logging;
// the layers of the executor do all that. It reads no clock, prints nothing,
// and imports no other family.
//
// The life of a step, and what each function may do:
//
//	Prepare  looks. It makes everything relative absolute and captures what
//	         was there. Its result is journaled before Run.
//	Preview  tells. It says field by field what Run would do, with a label
//	         that says how much is known. It changes nothing.
//	Run      acts, in exactly the form that Prepare resolved.
//	Probe    answers, after a crash: did Run take effect?
//	Undo     gives the inverse, as steps of the language.
package actions
