// Package guard judges: it compiles expressions against typed scopes and
// evaluates them in three values.
//
// A guard is True, False or Unknown. Unknown comes from a value that is not
// there: the output of a step that has not run, was skipped, or had no data.
// It never counts as true. Logic follows Kleene: false && unknown is false,
// true || unknown is true; everything else that touches an unknown is unknown.
//
// Expressions are expr-lang; this package is the only one that knows it.
package guard
