// Package crashtest kills executors, takes their disk and their network away,
// and holds what is left against an undisturbed run.
//
// The test binary starts itself as a tiny executor (child_test.go): the real
// executor.Runner and the real SQLite store, with actions that act on an
// effects ledger in the test process (ledger_test.go). The ledger records what
// really took effect and knows nothing of any journal, so it can tell of an
// effect that was doubled or is missing. The oracle (oracle_test.go) asks the
// same of every disturbed run, whatever was done to it.
//
// What it finds is observed, never guaranteed. docs/reliability.md has the
// figures; make crash-matrix makes them.
package crashtest
