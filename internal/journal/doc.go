// Package journal knows what happened: the append-only, hash-chained record of
// a run, and the state that follows from it. It is the only source of what a
// run did; resume, status, lists and reports are folds over it.
//
// Every event is durable when Append returns, so an effect that is announced
// by an event never happens without a trace.
package journal
