// Package flagger takes a progressive delivery of Flagger back.
//
// Flagger has no abort. To revert the target is a new release to it, which it
// analyses from the start; so it is suspended first, all traffic goes to the
// primary, and the target gets the template it had. What is left to do, to let
// Flagger go on without an analysis, is an obligation of the run.
package flagger
