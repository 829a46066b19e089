// Package executor goes from text to effects: it compiles a playbook against
// the known actions, plans it, runs it and resumes it.
//
// It knows actions only through their contract. A step runs through layers,
// each in a file of its own, outermost first:
//
//	observe → replay → guard → budget → retry → hold → prepare → verify → invoke
//
// Each layer does one thing for every action, so that no action does it.
package executor
